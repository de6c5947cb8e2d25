import CloudCore

/// Copies a whole cell from a SQLite file into an empty database of the other engine, in one transaction there: after a
/// crash at any point all of it has come, or nothing. Ids stay what they are, so guests that run are not concerned.
public struct TransferDatabase: Sendable {
    public var source: SQLiteDatabase
    public var target: any Database

    /// - Parameters:
    ///   - source: no server may work on it.
    ///   - target: of today's schema, and without a cell; or the one that it was copied to before.
    public init(from source: SQLiteDatabase, to target: any Database) {
        self.source = source
        self.target = target
    }

    /// What was copied, or is there already since it was copied before.
    public struct Report: Sendable, Equatable {
        public var installationId: String
        /// Rows by table.
        public var rows: [String: Int64]
        public var wasThere: Bool

        /// Of all tables.
        public var total: Int64 { rows.values.reduce(0, +) }
    }

    /// Rows that are inserted by one statement. SQLite takes 32,766 values in one, PostgreSQL 65,535.
    static let rowsTogether = 200
    /// Rows that are read at once.
    static let rowsInMemory = 10 * rowsTogether

    /// Returns after the commit. Throws `UNPROCESSABLE_ENTITY` when no server has worked on the source, and `CONFLICT`
    /// when the target has another cell, or this one with changes that were made since.
    public func run() async throws -> Report {
        let source = source
        return try await target.write(.transferDatabase) { sql in
            try source.readNow { old in try Self.copy(from: old, to: sql) }
        }
    }

    /// Gives the file of a source, which nobody has open, another name. Throws a `CloudError` that names the file.
    public static func retire(_ path: String, as kept: String) throws {
        try DatabaseFiles.replace(kept, with: path)
    }

    private static func copy(from old: any SQLConnection, to new: any SQLConnection) throws -> Report {
        guard let installationId = try old.installationId() else {
            throw CloudError(
                .unprocessableEntity,
                "No server has ever worked on the SQLite database: there is nothing to copy.")
        }
        let tables = try TransferTables(old).inOrder
        let rows = Dictionary(
            uniqueKeysWithValues: try tables.map { ($0, try old.count("SELECT COUNT(*) AS n FROM \($0)")) })
        if let present = try new.installationId() {
            try check(present, against: installationId, tables, rows, new)
            return Report(installationId: installationId, rows: rows, wasThere: true)
        }
        for table in tables { try copy(table, from: old, to: new) }
        for (table, last) in try old.identities.last() { try new.identities.raise(table, to: last) }
        for table in tables where try new.count("SELECT COUNT(*) AS n FROM \(table)") != rows[table] {
            throw CloudError.bug("not every row of \(table) was copied")
        }
        return Report(installationId: installationId, rows: rows, wasThere: false)
    }

    private static func check(
        _ present: String, against installationId: String, _ tables: [String], _ rows: [String: Int64],
        _ new: any SQLConnection
    ) throws {
        guard present == installationId else {
            throw CloudError(
                .conflict,
                "The new database has the cell \(present) already, and this one is \(installationId). Give an empty "
                    + "database.")
        }
        for table in tables where try new.count("SELECT COUNT(*) AS n FROM \(table)") != rows[table] {
            throw CloudError(
                .conflict,
                "The new database has this cell already, and was worked on since: \(table) differs. Serve from it, or "
                    + "give an empty database to begin again.")
        }
    }

    private static func copy(_ table: String, from old: any SQLConnection, to new: any SQLConnection) throws {
        // Without those that follow from others: the engine computes them anew.
        let columns = try old.query("SELECT name FROM pragma_table_info($1) ORDER BY name", [table]).map {
            try $0.text("name")
        }
        var after = Int64.min
        while true {
            let rows = try old.query(
                "SELECT rowid AS \(rowid), t.* FROM \(table) t WHERE rowid > $1 ORDER BY rowid LIMIT $2",
                [after, rowsInMemory])
            guard let last = rows.last else { return }
            after = try last.int(rowid)
            for start in stride(from: 0, to: rows.count, by: rowsTogether) {
                try insert(rows[start..<min(start + rowsTogether, rows.count)], columns, into: table, new)
            }
        }
    }

    /// SQLite's own number of a row, in the order of insertion: an entry of the ledger comes after the one that it
    /// refers to.
    private static let rowid = "transferred_rowid"

    private static func insert(
        _ rows: ArraySlice<SQLRow>, _ columns: [String], into table: String, _ sql: any SQLConnection
    ) throws {
        let tuples = (0..<rows.count).map { row in
            "(\(columns.indices.map { "$\(row * columns.count + $0 + 1)" }.joined(separator: ", ")))"
        }
        try sql.execute(
            "INSERT INTO \(table) (\(columns.joined(separator: ", "))) VALUES \(tuples.joined(separator: ", "))",
            rows.flatMap { row in columns.map { row[$0] ?? .null } })
    }
}

/// The tables of a SQLite database, each after those that it refers to.
struct TransferTables {
    let inOrder: [String]

    /// Throws a bug when tables refer to each other in a circle.
    init(_ sql: any SQLConnection) throws {
        let names = try sql.query(
            """
            SELECT name FROM sqlite_master
            WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name <> 'schema_version' ORDER BY name
            """
        ).map { try $0.text("name") }
        var left: [(name: String, parents: Set<String>)] = try names.map { name in
            let parents = try sql.query(
                "SELECT DISTINCT \"table\" AS parent FROM pragma_foreign_key_list($1)", [name])
            return (name, Set(try parents.map { try $0.text("parent") }).subtracting([name]))
        }
        var inOrder: [String] = []
        while !left.isEmpty {
            let ready = left.filter { $0.parents.isSubset(of: inOrder) }.map(\.name)
            guard !ready.isEmpty else { throw CloudError.bug("the tables \(left.map(\.name)) form a circle") }
            inOrder += ready
            left.removeAll { ready.contains($0.name) }
        }
        self.inOrder = inOrder
    }
}

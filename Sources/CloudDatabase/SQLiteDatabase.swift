import CloudCore
import GRDB

/// The embedded engine: one file, one writer, any number of readers (GRDB's pool in WAL mode).
public final class SQLiteDatabase: Database {
    private let pool: DatabasePool
    private let writes: WriteQueue
    public let changes = Changes()
    private let readers: SQLiteReaders
    /// Seconds that a writer waits for another process's transaction, such as a command of the operator's.
    private static let busyTimeoutSeconds = 10.0

    /// Opens or makes the file and brings its schema up to date; a copy of an earlier one is kept beside it. Throws a
    /// `CloudError` that names the path when it can't be opened, and when a newer program made the schema.
    public convenience init(path: String) throws { try self.init(path: path, migratingBy: { $0 }) }

    /// - Parameter migratingBy: stands between the migrations and SQLite, so that a test can fail at each statement.
    init(path: String, migratingBy visit: @escaping (any SQLConnection) -> any SQLConnection) throws {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = true
        configuration.busyMode = .timeout(Self.busyTimeoutSeconds)
        // What a savepoint may have to undo would go through files otherwise, page by page (SQLite, "Temporary Files Used
        // By SQLite", 2.3): half of all that a write did. It is no more than the pages that its transaction changes.
        configuration.prepareDatabase { db in try db.execute(sql: "PRAGMA temp_store = MEMORY") }
        readers = SQLiteReaders(path: path, busyTimeoutSeconds: Self.busyTimeoutSeconds)
        try DatabaseFiles.keepPrivate(path)
        do {
            pool = try DatabasePool(path: path, configuration: configuration)
            writes = WriteQueue(pool: pool, path: path, changes: changes)
            // The pool sets NORMAL when it opens, which loses acknowledged commits at a power cut. The pragma is
            // ignored inside a transaction.
            try pool.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA synchronous = FULL") }
            try pool.writeWithoutTransaction { db in
                try SchemaUpgrade(db: db, visit: visit).run(keepingCopyOf: path)
            }
        } catch let error as DatabaseError {
            throw CloudError(
                .internalServerError,
                "The database \(path) can't be opened. Check the folder's owner and free space, and that the file is whole.",
                detail: "\(error)")
        }
    }

    package static func migrate(_ db: GRDB.Database) throws {
        try SchemaUpgrade(db: db).run(keepingCopyOf: nil)
    }

    public func read<T: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> T
    ) async throws -> T {
        try await Self.translatingErrors {
            try await pool.read { db in try body(SQLiteConnection(db: db)) }
        }
    }

    /// On the caller's thread, unless all readers are in use.
    public func glance<T: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> T
    ) async throws -> T {
        do {
            if let value = try readers.read(body) { return value }
        } catch let error as DatabaseError {
            throw CloudError(error)
        }
        return try await read(body)
    }

    /// A read that the caller's thread makes, for who is inside a transaction of another database.
    func readNow<T>(_ body: (any SQLConnection) throws -> T) throws -> T {
        do {
            return try pool.read { db in try body(SQLiteConnection(db: db)) }
        } catch let error as DatabaseError {
            throw CloudError(error)
        }
    }

    public func write<T: Sendable>(
        _ name: DurableWrite,
        _ body: @escaping @Sendable (any SQLConnection) throws -> T
    ) async throws -> T {
        try await Self.translatingErrors {
            try await writes.write(body)
        }
    }

    /// Ends all connections, the last of which merges the write-ahead log. Nothing may be asked of it afterwards.
    public func close() throws {
        readers.close()
        writes.close()
        try pool.close()
    }

    /// The writer's `synchronous` level: 2 is FULL.
    func synchronousLevel() async throws -> Int? {
        try await pool.writeWithoutTransaction { db in try Int.fetchOne(db, sql: "PRAGMA synchronous") }
    }

    /// Writes that wait for their turn.
    public var waitingWrites: Int { writes.waiting }

    private static func translatingErrors<T>(_ body: () async throws -> T) async throws -> T {
        do {
            return try await body()
        } catch let error as DatabaseError {
            throw CloudError(error)
        }
    }
}

extension CloudError {
    /// What an error of SQLite's means to who asked.
    package init(_ error: DatabaseError) {
        self =
            switch error.resultCode {
            case .SQLITE_FULL:
                Self.unavailable(
                    "The disk of the server's database is full. Ask the operator for free space, and try again.",
                    error)
            case .SQLITE_READONLY, .SQLITE_IOERR, .SQLITE_CANTOPEN:
                Self.unavailable(
                    "The server's disk can't be read or written. Try again; if it stays so, ask the operator to look "
                        + "at the disk of the data folder.", error)
            case .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_PROTOCOL, .SQLITE_NOMEM:
                Self.unavailable("The database is busy. Try again.", error)
            default:
                CloudError.bug("SQLite: \(error)")
            }
    }

    private static func unavailable(_ message: String, _ error: DatabaseError) -> CloudError {
        CloudError(.serviceUnavailable, "\(message) Nothing was done.", detail: "\(error)")
    }
}

/// SQLite's side of the portable connection.
package struct SQLiteConnection: SQLConnection {
    let db: GRDB.Database

    package var dialect: Dialect { .sqlite }

    package init(db: GRDB.Database) { self.db = db }

    package func query(_ sql: String, _ arguments: [any SQLArgument]) throws -> [SQLRow] {
        let statement = try db.cachedStatement(sql: Self.numbered(sql))
        let columns = SQLColumns(statement.columnNames)
        var rows: [SQLRow] = []
        // The cursor's row is SQLite's own, which the next one replaces: it is copied once.
        let cursor = try Row.fetchCursor(statement, arguments: Self.bound(arguments))
        while let row = try cursor.next() {
            rows.append(
                SQLRow(
                    columns: columns,
                    values: try columns.names.indices.map { try Self.value(row, $0, columns.names) })
            )
        }
        return rows
    }

    package func execute(_ sql: String, _ arguments: [any SQLArgument]) throws -> Int {
        let statement = try db.cachedStatement(sql: Self.numbered(sql))
        try statement.execute(arguments: Self.bound(arguments))
        return db.changesCount
    }

    /// Nobody waits for what is written this way: an upgrade, before there is a server.
    package func tell(_ tiding: Tiding) {}

    /// `$1` is a name to SQLite, numbered by first appearance; `?1` is a number, as PostgreSQL reads `$1`.
    static func numbered(_ sql: String) -> String {
        var sql = sql
        return sql.withUTF8 { utf8 in
            String(unsafeUninitializedCapacity: utf8.count) { bytes in
                // Safe: as many bytes as there are; a mark in place of another leaves UTF-8 valid.
                for (index, byte) in utf8.enumerated() {
                    bytes[index] = byte == UInt8(ascii: "$") ? UInt8(ascii: "?") : byte
                }
                return utf8.count
            }
        }
    }

    private static func bound(_ arguments: [any SQLArgument]) -> StatementArguments {
        StatementArguments(
            arguments.map { argument -> (any DatabaseValueConvertible)? in
                switch argument.sqlValue {
                case .null: nil
                case .int(let value): value
                case .text(let value): value
                }
            })
    }

    private static func value(_ row: Row, _ index: Int, _ columns: [String]) throws -> SQLValue {
        switch (row[index] as DatabaseValue).storage {
        case .null: .null
        case .int64(let int): .int(int)
        case .string(let text): .text(text)
        case .double, .blob: throw CloudError.bug("column \(columns[index]) is neither integer nor text")
        }
    }
}

import CloudCore

extension SQLConnection {
    /// What the database holds; on the schema of any version, so that one is read before it is brought up to date.
    func figures(schemaVersion: Int, installationId: String, bytes: Int64) throws -> DatabaseFigures {
        let isDeleted = schemaVersion >= 5 ? "deleted_at_ms IS NOT NULL" : "1 = 0"
        let last = try query("SELECT id, at_ms FROM events ORDER BY id DESC LIMIT 1").first
        return DatabaseFigures(
            schemaVersion: schemaVersion, installationId: installationId,
            computes: try count("SELECT COUNT(*) AS n FROM computes WHERE state <> 'DESTROYED'"),
            teams: try count("SELECT COUNT(*) AS n FROM teams WHERE NOT (\(isDeleted))"),
            lastEventId: try last?.int("id") ?? 0, lastEventAtMs: try last?.int("at_ms"), bytes: bytes)
    }

    func count(_ sql: String) throws -> Int64 { try query(sql)[0].int("n") }

    public var identities: IdentityQueries { IdentityQueries(sql: self) }
}

/// The last number that each table gave out. SQLite keeps them in a table of its own
/// (https://sqlite.org/autoinc.html), which any program may write.
public struct IdentityQueries {
    let sql: any SQLConnection

    /// By table; 0 where it gave out none.
    func last() throws -> [String: Int64] {
        // A table has no row before its first number.
        let tables = try sql.query(
            "SELECT name, 0 AS seq FROM sqlite_master WHERE type = 'table' AND sql LIKE '%AUTOINCREMENT%'")
        return try Self.numbers(tables + sql.query("SELECT name, seq FROM sqlite_sequence"))
    }

    static func numbers(_ rows: [SQLRow]) throws -> [String: Int64] {
        Dictionary(try rows.map { (try $0.text("name"), try $0.int("seq")) }) { max($0, $1) }
    }

    /// Sees to it that the table gives out no number up to `id`, and none twice. Never goes back.
    func raise(_ table: String, to id: Int64) throws {
        guard sql.dialect == .sqlite else {
            // Events are numbered by their transactions there.
            if table != "events" { _ = try reserveBySequence(table, to: id) }
            return
        }
        let rows = try sql.execute(
            "UPDATE sqlite_sequence SET seq = CASE WHEN seq < $2 THEN $2 ELSE seq END WHERE name = $1",
            [table, id])
        if rows == 0 {
            try sql.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)", [table, id])
        }
    }

    /// Sees to it that no resource gets an id up to `id`. Returns whether one could have.
    public func reserveResources(to id: Int64) throws -> Bool {
        if sql.dialect == .postgres { return try reserveBySequence("resources", to: id) }
        guard try last()["resources"] ?? 0 < id else { return false }
        try raise("resources", to: id)
        return true
    }

    /// The same of PostgreSQL's sequences, which a transaction that is undone does not set back.
    private func reserveBySequence(_ table: String, to id: Int64) throws -> Bool {
        let row = try sql.query(
            """
            SELECT last_value AS last, CASE WHEN is_called THEN 1 ELSE 0 END AS is_called
            FROM \(table)_id_seq
            """)[0]
        guard try row.int("last") - (row.int("is_called") == 1 ? 0 : 1) < id else { return false }
        _ = try sql.query("SELECT setval('\(table)_id_seq', $1) AS last", [id])
        return true
    }
}

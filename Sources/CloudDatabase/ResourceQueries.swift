import CloudCore

extension SQLConnection {
    public var resources: ResourceQueries { ResourceQueries(sql: self) }
}

/// Everything that has a life of its own in the cell, by one sequence of ids: jobs, events, idempotency keys, meters, tags
/// and guests' tokens point here, and know no kind.
public struct ResourceQueries {
    let sql: any SQLConnection

    /// The id of a new resource. Its own row and its job are the caller's affair.
    public func insert(_ kind: ResourceKind, teamId: Int64, nowMs: Int64) throws -> Int64 {
        try sql.query(
            "INSERT INTO resources (kind, team_id, created_at_ms) VALUES ($1, $2, $3) RETURNING id",
            [kind.rawValue, teamId, nowMs])[0].int("id")
    }

    /// Removes a resource that no event, meter or ledger entry points to. Its id is never used again.
    public func remove(_ id: Int64) throws {
        try sql.later("DELETE FROM resources WHERE id = $1", [id])
    }

    /// What the id names; `nil`: nothing.
    public func kind(_ id: Int64) throws -> ResourceKind? {
        try sql.query("SELECT kind FROM resources WHERE id = $1", [id]).first?.value("kind")
    }
}

extension SQLConnection {
    public var duties: DutyQueries { DutyQueries(sql: self) }
}

/// What one worker does for the whole cell, as long as it lives.
public struct DutyQueries {
    let sql: any SQLConnection

    /// Until when the owner has the duty; `nil` when another has it, or nobody.
    public func heldUntilMs(_ name: String, owner: String) throws -> Int64? {
        try sql.query("SELECT until_ms FROM duties WHERE name = $1 AND owner = $2", [name, owner]).first?
            .int("until_ms")
    }

    /// Takes the duty, or keeps it. False when another has it and its time is not over.
    public func take(_ name: String, owner: String, nowMs: Int64, untilMs: Int64) throws -> Bool {
        try sql.execute(
            """
            INSERT INTO duties (name, owner, until_ms) VALUES ($1, $2, $4)
            ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until_ms = excluded.until_ms
            WHERE duties.owner = excluded.owner OR duties.until_ms <= $3
            """,
            [name, owner, nowMs, untilMs]) == 1
    }
}

extension Migrations {
    /// Events are the audit log too: of a compute, or of its team alone, with who did it.
    @Sendable
    static func schema3(_ dialect: Dialect) -> [String] {
        [
            """
            CREATE TABLE new_events (
                id \(dialect.identity),
                team_id BIGINT NOT NULL REFERENCES teams (id),
                compute_id BIGINT REFERENCES computes (id),
                at_ms BIGINT NOT NULL,
                kind TEXT NOT NULL,
                detail TEXT,
                actor TEXT NOT NULL CHECK (actor IN ('key', 'operator', 'system')),
                key_id BIGINT REFERENCES api_keys (id),
                request_id TEXT,
                CHECK ((actor = 'key') = (key_id IS NOT NULL))
            )
            """,
            """
            INSERT INTO new_events (id, team_id, compute_id, at_ms, kind, detail, actor, key_id, request_id)
            SELECT id, team_id, compute_id, at_ms, kind, detail,
                CASE WHEN key_id IS NULL THEN 'system' ELSE 'key' END, key_id, request_id
            FROM events
            """,
            "DROP TABLE events",
            "ALTER TABLE new_events RENAME TO events",
            "CREATE INDEX events_by_compute ON events (compute_id, id)",
            "CREATE INDEX events_by_team ON events (team_id, id)",
        ]
    }
}

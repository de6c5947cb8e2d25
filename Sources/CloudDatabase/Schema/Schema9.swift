extension Migrations {
    /// What the worker knows of its host: when it booted, and what is on it that no compute stands for. Events of the
    /// cell itself, which belong to no team.
    @Sendable
    static func schema9(_ dialect: Dialect) -> [String] {
        [
            """
            CREATE TABLE host (
                id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
                boot_id TEXT NOT NULL,
                since_ms BIGINT NOT NULL
            )
            """,
            // A machine's id is no reference: the compute may be unknown here, as after a restore.
            """
            CREATE TABLE orphans (
                machine_id BIGINT NOT NULL PRIMARY KEY,
                first_seen_ms BIGINT NOT NULL
            )
            """,
            """
            CREATE TABLE new_events (
                id \(dialect.identity),
                team_id BIGINT REFERENCES teams (id),
                compute_id BIGINT REFERENCES computes (id),
                at_ms BIGINT NOT NULL,
                kind TEXT NOT NULL,
                detail TEXT,
                actor TEXT NOT NULL CHECK (actor IN ('key', 'operator', 'system')),
                key_id BIGINT REFERENCES api_keys (id),
                request_id TEXT,
                CHECK ((actor = 'key') = (key_id IS NOT NULL)),
                CHECK (team_id IS NOT NULL OR (compute_id IS NULL AND actor = 'system'))
            )
            """,
            """
            INSERT INTO new_events (id, team_id, compute_id, at_ms, kind, detail, actor, key_id, request_id)
            SELECT id, team_id, compute_id, at_ms, kind, detail, actor, key_id, request_id FROM events
            """,
            "DROP TABLE events",
            "ALTER TABLE new_events RENAME TO events",
            "CREATE INDEX events_by_compute ON events (compute_id, id)",
            "CREATE INDEX events_by_team ON events (team_id, id)",
        ]
    }
}

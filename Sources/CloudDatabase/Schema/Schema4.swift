extension Migrations {
    /// What is being done to a compute, what its owner may change of it, and idempotency keys of requests that are
    /// about no compute.
    @Sendable
    static func schema4(_ dialect: Dialect) -> [String] {
        [
            "ALTER TABLE jobs ADD COLUMN action TEXT",
            """
            UPDATE jobs SET action = 'create'
            WHERE compute_id IN (SELECT id FROM computes WHERE state = 'CREATING')
            """,
            """
            UPDATE jobs SET action = 'delete'
            WHERE compute_id IN (SELECT id FROM computes WHERE state = 'DESTROYING')
            """,
            "ALTER TABLE computes ADD COLUMN user_data TEXT",
            "ALTER TABLE computes ADD COLUMN deletion_protection BIGINT NOT NULL DEFAULT 0",
            """
            CREATE TABLE new_idempotency_keys (
                team_id BIGINT NOT NULL REFERENCES teams (id),
                endpoint TEXT NOT NULL,
                idempotency_key TEXT NOT NULL,
                request TEXT NOT NULL,
                compute_id BIGINT REFERENCES computes (id),
                answer TEXT NOT NULL,
                created_at_ms BIGINT NOT NULL,
                expires_at_ms BIGINT,
                PRIMARY KEY (team_id, endpoint, idempotency_key)
            )
            """,
            """
            INSERT INTO new_idempotency_keys (
                team_id, endpoint, idempotency_key, request, compute_id, answer, created_at_ms, expires_at_ms
            )
            SELECT team_id, endpoint, idempotency_key, request, compute_id, answer, created_at_ms, expires_at_ms
            FROM idempotency_keys
            """,
            "DROP TABLE idempotency_keys",
            "ALTER TABLE new_idempotency_keys RENAME TO idempotency_keys",
            "CREATE INDEX idempotency_keys_by_key ON idempotency_keys (team_id, idempotency_key)",
            "CREATE INDEX idempotency_keys_by_compute ON idempotency_keys (compute_id)",
            """
            CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at_ms)
            WHERE expires_at_ms IS NOT NULL
            """,
        ]
    }
}

extension Migrations {
    /// Keys with their last use and a name of their own; teams that are gone but stay for the audit log.
    ///
    /// A name and a network are held once among the teams that exist, so both are free again when a team is deleted.
    /// Its row keeps them, since its past computes and events refer to them.
    @Sendable
    static func schema5(_ dialect: Dialect) -> [String] {
        teamsThatEnd(dialect) + [
            "CREATE UNIQUE INDEX teams_by_name ON teams (name) WHERE deleted_at_ms IS NULL",
            "CREATE UNIQUE INDEX teams_by_network ON teams (network_base) WHERE deleted_at_ms IS NULL",
            "ALTER TABLE api_keys ADD COLUMN last_used_at_ms BIGINT",
            // The Idempotency-Key of the request that made the key.
            "ALTER TABLE api_keys ADD COLUMN idempotency_key TEXT",
            // Names were free so far: the first key keeps its own, the others get their number beside it.
            """
            UPDATE api_keys SET name = name || ' (' || CAST(id AS TEXT) || ')'
            WHERE revoked_at_ms IS NULL AND id NOT IN (
                SELECT MIN(id) FROM api_keys WHERE revoked_at_ms IS NULL GROUP BY team_id, name
            )
            """,
            "CREATE UNIQUE INDEX api_keys_by_name ON api_keys (team_id, name) WHERE revoked_at_ms IS NULL",
            "CREATE UNIQUE INDEX api_keys_by_idempotency_key ON api_keys (team_id, idempotency_key)",
        ]
    }

    /// The table of teams, with `deleted_at_ms` and without the two constraints that also counted deleted teams.
    private static func teamsThatEnd(_ dialect: Dialect) -> [String] {
        switch dialect {
        case .sqlite:
            // SQLite can't drop a constraint: https://sqlite.org/lang_altertable.html#otheralter
            [
                """
                CREATE TABLE new_teams (
                    id \(dialect.identity),
                    name TEXT NOT NULL,
                    network_base BIGINT NOT NULL,
                    network_prefix BIGINT NOT NULL CHECK (network_prefix BETWEEN 8 AND 29),
                    created_at_ms BIGINT NOT NULL,
                    deleted_at_ms BIGINT
                )
                """,
                """
                INSERT INTO new_teams (id, name, network_base, network_prefix, created_at_ms)
                SELECT id, name, network_base, network_prefix, created_at_ms FROM teams
                """,
                "DROP TABLE teams",
                "ALTER TABLE new_teams RENAME TO teams",
            ]
        case .postgres:
            [
                "ALTER TABLE teams DROP CONSTRAINT teams_name_key",
                "ALTER TABLE teams DROP CONSTRAINT teams_network_base_key",
                "ALTER TABLE teams ADD COLUMN deleted_at_ms BIGINT",
            ]
        }
    }
}

extension Migrations {
    /// The cell itself, teams, keys, computes with their one job each, idempotency keys, events.
    ///
    /// Addresses and ports are columns of their compute with a UNIQUE constraint, so that none can be held twice, and
    /// NULL once given back.
    @Sendable
    static func schema1(_ dialect: Dialect) -> [String] {
        [
            "CREATE TABLE cell (installation_id TEXT NOT NULL PRIMARY KEY)",
            """
            CREATE TABLE teams (
                id \(dialect.identity),
                name TEXT NOT NULL UNIQUE,
                network_base BIGINT NOT NULL UNIQUE,
                network_prefix BIGINT NOT NULL CHECK (network_prefix BETWEEN 8 AND 29),
                created_at_ms BIGINT NOT NULL
            )
            """,
            """
            CREATE TABLE api_keys (
                id \(dialect.identity),
                team_id BIGINT NOT NULL REFERENCES teams (id),
                name TEXT NOT NULL,
                role TEXT NOT NULL CHECK (role IN ('Owner', 'Admin', 'Member')),
                key_hash TEXT NOT NULL UNIQUE CHECK (LENGTH(key_hash) = 64),
                created_at_ms BIGINT NOT NULL,
                revoked_at_ms BIGINT
            )
            """,
            """
            CREATE TABLE computes (
                id \(dialect.identity),
                team_id BIGINT NOT NULL REFERENCES teams (id),
                host_name TEXT NOT NULL,
                state TEXT NOT NULL,
                intent TEXT NOT NULL CHECK (intent IN ('RUNNING', 'STOPPED', 'DESTROYED')),
                image TEXT NOT NULL,
                specification TEXT NOT NULL,
                region TEXT NOT NULL,
                vcpus BIGINT NOT NULL CHECK (vcpus > 0),
                memory_mb BIGINT NOT NULL CHECK (memory_mb > 0),
                storage_gb BIGINT NOT NULL CHECK (storage_gb > 0),
                public_keys TEXT NOT NULL,
                tags TEXT NOT NULL,
                private_ipv4 BIGINT UNIQUE,
                public_ipv4 BIGINT UNIQUE,
                ssh_port BIGINT UNIQUE,
                failure_code TEXT,
                failure_message TEXT,
                created_at_ms BIGINT NOT NULL,
                updated_at_ms BIGINT NOT NULL,
                CHECK ((failure_code IS NULL) = (failure_message IS NULL)),
                CHECK (
                    state <> 'DESTROYED'
                    OR (private_ipv4 IS NULL AND public_ipv4 IS NULL AND ssh_port IS NULL)
                )
            )
            """,
            "CREATE INDEX computes_by_team ON computes (team_id, id)",
            """
            CREATE TABLE jobs (
                compute_id BIGINT NOT NULL PRIMARY KEY REFERENCES computes (id),
                step TEXT NOT NULL,
                step_since_ms BIGINT NOT NULL,
                due_at_ms BIGINT,
                lease_owner TEXT,
                lease_until_ms BIGINT,
                attempts BIGINT NOT NULL DEFAULT 0,
                note TEXT,
                CHECK ((lease_owner IS NULL) = (lease_until_ms IS NULL))
            )
            """,
            "CREATE INDEX jobs_by_due ON jobs (due_at_ms) WHERE due_at_ms IS NOT NULL",
            """
            CREATE TABLE idempotency_keys (
                team_id BIGINT NOT NULL REFERENCES teams (id),
                endpoint TEXT NOT NULL,
                idempotency_key TEXT NOT NULL,
                request TEXT NOT NULL,
                compute_id BIGINT NOT NULL REFERENCES computes (id),
                answer TEXT NOT NULL,
                created_at_ms BIGINT NOT NULL,
                expires_at_ms BIGINT,
                PRIMARY KEY (team_id, endpoint, idempotency_key)
            )
            """,
            "CREATE INDEX idempotency_keys_by_compute ON idempotency_keys (compute_id)",
            """
            CREATE TABLE events (
                id \(dialect.identity),
                team_id BIGINT NOT NULL REFERENCES teams (id),
                compute_id BIGINT NOT NULL REFERENCES computes (id),
                at_ms BIGINT NOT NULL,
                kind TEXT NOT NULL,
                detail TEXT,
                key_id BIGINT REFERENCES api_keys (id),
                request_id TEXT
            )
            """,
            "CREATE INDEX events_by_compute ON events (compute_id, id)",
        ]
    }
}

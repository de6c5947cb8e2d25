extension Migrations {
    /// Many hosts: which there are, whose they are, what they have and what is taken of it, and on which each compute
    /// is. What the cell does as a whole is a duty that one worker has at a time.
    @Sendable
    static func schema11(_ dialect: Dialect) -> [String] {
        hosts(dialect) + computesOnHosts
            + [
                """
                CREATE TABLE host_images (
                    host_id BIGINT NOT NULL REFERENCES hosts (id),
                    image TEXT NOT NULL,
                    PRIMARY KEY (host_id, image)
                )
                """,
                """
                CREATE TABLE duties (
                    name TEXT NOT NULL PRIMARY KEY,
                    owner TEXT NOT NULL,
                    until_ms BIGINT NOT NULL
                )
                """,
                """
                CREATE TABLE new_orphans (
                    host_id BIGINT NOT NULL REFERENCES hosts (id),
                    machine_id BIGINT NOT NULL,
                    first_seen_ms BIGINT NOT NULL,
                    PRIMARY KEY (host_id, machine_id)
                )
                """,
                """
                INSERT INTO new_orphans (host_id, machine_id, first_seen_ms)
                SELECT h.id, o.machine_id, o.first_seen_ms FROM orphans o CROSS JOIN hosts h
                """,
                "DROP TABLE orphans",
                "ALTER TABLE new_orphans RENAME TO orphans",
                "DROP TABLE host",
            ]
    }

    /// What is free, and how full the host is, follow from the counters by the engine itself, so that an index finds who
    /// has room. A host without an identity is what an upgrade makes of the one there was: the first worker adopts it.
    private static func hosts(_ dialect: Dialect) -> [String] {
        [
            """
            CREATE TABLE hosts (
                id \(dialect.identity),
                identity TEXT UNIQUE,
                name TEXT NOT NULL,
                region TEXT,
                state TEXT NOT NULL CHECK (state IN ('ACTIVE', 'CORDONED', 'DRAINING', 'REMOVED')),
                epoch BIGINT NOT NULL DEFAULT 0,
                owner TEXT,
                heartbeat_ms BIGINT,
                boot_id TEXT,
                vcpus BIGINT CHECK (vcpus > 0),
                memory_mb BIGINT CHECK (memory_mb > 0),
                storage_gb BIGINT CHECK (storage_gb > 0),
                taken_vcpus BIGINT NOT NULL DEFAULT 0 CHECK (taken_vcpus >= 0),
                taken_memory_mb BIGINT NOT NULL DEFAULT 0 CHECK (taken_memory_mb >= 0),
                taken_storage_gb BIGINT NOT NULL DEFAULT 0 CHECK (taken_storage_gb >= 0),
                accelerator TEXT,
                underlay TEXT,
                labels TEXT NOT NULL DEFAULT '[]',
                free_vcpus BIGINT GENERATED ALWAYS AS (\(free("vcpus"))) STORED,
                free_memory_mb BIGINT GENERATED ALWAYS AS (\(free("memory_mb"))) STORED,
                free_storage_gb BIGINT GENERATED ALWAYS AS (\(free("storage_gb"))) STORED,
                load BIGINT GENERATED ALWAYS AS (
                    CASE WHEN \(share("vcpus")) >= \(share("memory_mb")) AND \(share("vcpus")) >= \(share("storage_gb"))
                        THEN \(share("vcpus"))
                    WHEN \(share("memory_mb")) >= \(share("storage_gb")) THEN \(share("memory_mb"))
                    ELSE \(share("storage_gb")) END
                ) STORED
            )
            """,
            "CREATE UNIQUE INDEX hosts_by_name ON hosts (name) WHERE state <> 'REMOVED'",
            """
            CREATE INDEX hosts_with_room ON hosts (load, free_vcpus, free_memory_mb, free_storage_gb, region)
            WHERE state = 'ACTIVE'
            """,
            """
            INSERT INTO hosts (name, state, boot_id, taken_vcpus, taken_memory_mb, taken_storage_gb)
            SELECT 'host', 'ACTIVE', (SELECT boot_id FROM host WHERE id = 1), \(sum("vcpus")), \(sum("memory_mb")),
                \(sum("storage_gb"))
            FROM cell
            """,
        ]
    }

    private static var computesOnHosts: [String] {
        [
            "ALTER TABLE computes ADD COLUMN host_id BIGINT REFERENCES hosts (id)",
            "UPDATE computes SET host_id = (SELECT id FROM hosts)",
            "CREATE INDEX computes_live_by_host ON computes (host_id, id) WHERE state <> 'DESTROYED'",
            "ALTER TABLE jobs ADD COLUMN host_id BIGINT REFERENCES hosts (id)",
            "UPDATE jobs SET host_id = (SELECT id FROM hosts)",
            "DROP INDEX jobs_by_due",
            "CREATE INDEX jobs_by_host_and_due ON jobs (host_id, due_at_ms) WHERE due_at_ms IS NOT NULL",
            "CREATE INDEX jobs_live_by_host ON jobs (host_id, step) WHERE step <> 'done'",
        ]
    }

    /// More than any host has.
    private static let unlimited = "4000000000000000"

    private static func free(_ resource: String) -> String {
        "COALESCE(\(resource) - taken_\(resource), \(unlimited))"
    }

    /// In whole percents.
    private static func share(_ resource: String) -> String {
        "COALESCE(taken_\(resource) * 100 / \(resource), 0)"
    }

    private static func sum(_ resource: String) -> String {
        "(SELECT CAST(COALESCE(SUM(\(resource)), 0) AS BIGINT) FROM computes WHERE private_ipv4 IS NOT NULL)"
    }
}

extension Migrations {
    /// Moves of computes between hosts, and the certificates by which the hosts know each other in them. A phase allows
    /// what comes next; the compute's job waits in all phases but two (`MovePhase`).
    @Sendable
    static func schema12(_ dialect: Dialect) -> [String] {
        [
            "ALTER TABLE hosts ADD COLUMN move_certificate TEXT",
            """
            CREATE TABLE moves (
                compute_id BIGINT NOT NULL PRIMARY KEY REFERENCES computes (id),
                source_host_id BIGINT NOT NULL REFERENCES hosts (id),
                destination_host_id BIGINT NOT NULL REFERENCES hosts (id),
                phase TEXT NOT NULL CHECK (phase IN ('DEPARTURE', 'ARRIVAL', 'COPY', 'SWITCHED', 'REFUSED', 'LEAVING',
                    'CANCELLED', 'RETURNED', 'WITHDRAWN')),
                since_ms BIGINT NOT NULL,
                departure TEXT,
                arrival TEXT,
                progress TEXT,
                failure TEXT,
                vcpus BIGINT NOT NULL CHECK (vcpus >= 0),
                memory_mb BIGINT NOT NULL CHECK (memory_mb >= 0),
                storage_gb BIGINT NOT NULL CHECK (storage_gb >= 0),
                begun_at_ms BIGINT NOT NULL,
                deadline_ms BIGINT NOT NULL,
                due_at_ms BIGINT NOT NULL,
                CHECK (source_host_id <> destination_host_id)
            )
            """,
            "CREATE INDEX moves_by_source ON moves (source_host_id)",
            "CREATE INDEX moves_by_destination ON moves (destination_host_id)",
        ]
    }
}

extension Migrations {
    /// How programs of a cell know each other when one connects to another: each has one row, with the fingerprint of a
    /// certificate that it made for this run.
    @Sendable
    static func schema22(_: Dialect) -> [String] {
        [
            """
            CREATE TABLE links (
                fingerprint TEXT NOT NULL PRIMARY KEY CHECK (length(fingerprint) = 64),
                host_id BIGINT UNIQUE REFERENCES hosts (id),
                epoch BIGINT,
                answers_api BIGINT NOT NULL CHECK (answers_api IN (0, 1)),
                name TEXT NOT NULL,
                address TEXT,
                seen_at_ms BIGINT NOT NULL,
                CHECK ((host_id IS NULL) = (epoch IS NULL)),
                CHECK (host_id IS NOT NULL OR (answers_api = 1 AND address IS NULL))
            )
            """
        ]
    }
}

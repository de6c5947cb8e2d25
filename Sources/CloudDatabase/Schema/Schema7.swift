extension Migrations {
    /// Tokens of guests: short-lived, a few for each compute, kept as a hash alone.
    @Sendable
    static func schema7(_ dialect: Dialect) -> [String] {
        [
            """
            CREATE TABLE guest_tokens (
                id \(dialect.identity),
                compute_id BIGINT NOT NULL REFERENCES computes (id),
                token_hash TEXT NOT NULL UNIQUE CHECK (LENGTH(token_hash) = 64),
                expires_at_ms BIGINT NOT NULL
            )
            """,
            "CREATE INDEX guest_tokens_by_compute ON guest_tokens (compute_id, id)",
            "CREATE INDEX guest_tokens_by_expiry ON guest_tokens (expires_at_ms)",
        ]
    }
}

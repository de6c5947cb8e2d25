extension Migrations {
    /// Expired idempotency keys are found without a look at those that are kept.
    @Sendable
    static func schema2(_ dialect: Dialect) -> [String] {
        [
            """
            CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at_ms)
            WHERE expires_at_ms IS NOT NULL
            """
        ]
    }
}

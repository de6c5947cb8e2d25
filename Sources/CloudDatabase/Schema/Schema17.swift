extension Migrations {
    /// What a step's last failed attempt failed of, in the host's own words: for the operator alone.
    @Sendable
    static func schema17(_ dialect: Dialect) -> [String] {
        ["ALTER TABLE jobs ADD COLUMN detail TEXT"]
    }
}

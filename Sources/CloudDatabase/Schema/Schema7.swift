extension Migrations {
    /// Tokens of guests.
    @Sendable
    static func schema7(_ dialect: Dialect) -> [String] { [] }
}

extension Migrations {
    /// Keys with their last use, teams with their standing.
    @Sendable
    static func schema5(_ dialect: Dialect) -> [String] { [] }
}

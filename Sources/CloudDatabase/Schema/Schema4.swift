extension Migrations {
    /// What an action on a compute needs.
    @Sendable
    static func schema4(_ dialect: Dialect) -> [String] { [] }
}

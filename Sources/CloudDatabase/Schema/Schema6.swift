extension Migrations {
    /// The wallet.
    @Sendable
    static func schema6(_ dialect: Dialect) -> [String] { [] }
}

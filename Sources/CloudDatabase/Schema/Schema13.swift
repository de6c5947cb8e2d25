extension Migrations {
    /// Where a host's computes have their disks, when others can have them too.
    @Sendable
    static func schema13(_ dialect: Dialect) -> [String] { ["ALTER TABLE hosts ADD COLUMN store TEXT"] }
}

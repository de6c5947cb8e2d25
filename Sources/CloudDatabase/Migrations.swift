import CloudCore

/// Brings a database from any earlier version to today's: forward only, each migration once.
enum Migrations {
    /// In order. One that has landed is never edited.
    static let all: [@Sendable (Dialect) -> [String]] = [
        schema1, schema2, schema3, schema4, schema5, schema6, schema7, schema8, schema9,
        schema10, schema11, schema12, schema13, schema14, schema15, schema16, schema17,
        schema18, schema19, schema20, schema21, schema22,
    ]

    /// What a migration does after its statements because SQL can't, by its version. One that has landed is never edited.
    private static let conversions: [Int: @Sendable (any SQLConnection) throws -> Void] = [
        16: digestRequests, 18: pointToResources, 20: openLedger,
    ]

    /// Runs what is missing, inside the caller's transaction, and returns how many that were. Throws when a newer
    /// program made the database.
    /// - Parameter last: the version to stop at: today's, but for tests of upgrades.
    static func run(
        on sql: any SQLConnection, dialect: Dialect, upTo last: Int = Self.all.count
    ) throws -> Int {
        try sql.execute("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL PRIMARY KEY)")
        let version = try version(sql)
        for (index, migration) in all.prefix(last).enumerated().dropFirst(version) {
            for statement in migration(dialect) { try sql.execute(statement) }
            try conversions[index + 1]?(sql)
            try sql.execute("INSERT INTO schema_version (version) VALUES ($1)", [index + 1])
        }
        return last - version
    }

    /// The schema's version; 0 before the first migration. Throws when a newer program made the database.
    static func version(_ sql: any SQLConnection) throws -> Int {
        let version = Int(
            try sql.query("SELECT COALESCE(MAX(version), 0) AS version FROM schema_version")[0].int(
                "version"))
        guard version <= all.count else {
            throw CloudError(
                .internalServerError,
                "The database has schema version \(version), and this program knows versions up to \(all.count). Run "
                    + "the newer program that made it, or restore a backup from before the upgrade.")
        }
        return version
    }
}

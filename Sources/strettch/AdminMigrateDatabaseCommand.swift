import ArgumentParser
import CloudCore
import CloudDatabase

/// `strettch admin migrate-database`.
struct AdminMigrateDatabaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate-database",
        abstract: "Move the cell from SQLite in the data folder to PostgreSQL. The server must be stopped.",
        discussion: """
            The setting database (STRETTCH_DATABASE) names the new database, which must be empty. All is copied in one \
            transaction; the file is kept as strettch.sqlite.moved. Guests that run go on. After a crash, do it again.
            """)

    @OptionGroup var options: AdminOptions

    func run() async throws {
        let settings = try ServeSettings(file: options.config).databaseSettings
        guard settings.connection != nil else {
            throw CloudError.invalid([
                Problem(
                    "database",
                    "is not set. Give the connection string of an empty PostgreSQL database, in STRETTCH_DATABASE or "
                        + "in the file of --config.")
            ])
        }
        let folder = try options.data.folder()
        try folder.lock()
        try folder.takeDatabase()
        try folder.requireDatabase()
        let source = try SQLiteDatabase(path: folder.database)
        let report = try await TransferDatabase(from: source, to: settings.open(folder).database).run()
        try source.close()
        try folder.retireDatabase()
        let output = OutputMigration(report, kept: folder.movedDatabase)
        try options.show(output, output.text)
    }
}

/// A migration as the operator's command prints it.
struct OutputMigration: Encodable {
    var installationId: String
    var rows: [String: Int64]
    /// It had been copied before.
    var wasThere: Bool
    /// Where the file is kept.
    var kept: String

    init(_ report: TransferDatabase.Report, kept: String) {
        installationId = report.installationId
        rows = report.rows
        wasThere = report.wasThere
        self.kept = kept
    }

    var text: String {
        let total = rows.values.reduce(0, +)
        let what = wasThere ? "were there already" : "are copied"
        return OutputText.clean(
            lines: [
                "\(total) rows of \(rows.count) tables of the cell \(installationId) \(what).",
                "The file is kept as \(kept).",
                "Start the server with the same setting: database, or STRETTCH_DATABASE.",
            ])
    }
}

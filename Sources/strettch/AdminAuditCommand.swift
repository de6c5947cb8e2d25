import ArgumentParser
import CloudAudit
import CloudCore
import CloudDatabase
import CloudMachines
import Logging

/// `strettch admin audit`.
struct AdminAuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Compare database and host with all that is promised of them, beside a running server.",
        discussion: """
            Changes nothing. Ends with status 1 when something is not as promised. What may be a race with the server's \
            own work is looked at twice, some seconds apart.
            """)

    @OptionGroup var data: DataOption
    @Option(help: "The server's YAML file with settings, if its database is set there.") var config: String?
    @Flag(help: "Print JSON.") var json = false

    /// After the first look, when it found what may be a race: longer than the server takes to notice a machine that ended.
    private static let secondLookAfter = Duration.seconds(3)

    func run() async throws {
        let clock = ContinuousClock()
        let start = clock.now
        let report = try await audit().report()
        let output = OutputAudit(report, after: clock.now - start)
        try OutputStreams.result(json ? OutputText.json(output) : output.text)
        guard report.findings.isEmpty else { throw ExitCode(ProgramExit.failure.rawValue) }
    }

    private func audit() async throws -> Audit {
        let folder = try data.folder()
        let settings = try ServeSettings.written(in: folder)
        let database = try Self.open(ServeSettings.database(beside: folder, config: config), folder)
        guard let installation = try await database.read({ sql in try sql.installationId() }) else {
            throw CloudError(.conflict, "\(folder.path) has no cell yet. Start 'strettch serve' on it once.")
        }
        let silent = Logger(label: "audit") { _ in SwiftLogNoOpLogHandler() }
        let host = try await HostFactory(
            settings: settings, folder: folder,
            images: ImageStore(directory: settings.images(folder), logger: silent), logger: silent
        ).open(installationId: installation)
        return Audit(
            database: database, hosts: try await hostId(folder, database).map { [$0: host] } ?? [:],
            catalogue: try settings.readCatalogue(),
            settings: settings.audit(secondLookAfter: Self.secondLookAfter), clock: SystemClock())
    }

    /// The row of the host that the folder is of; `nil` when none has registered.
    private func hostId(_ folder: DataFolder, _ database: any Database) async throws -> Int64? {
        let identity = try folder.knownHostIdentity()
        return try await database.read { sql in
            try identity.flatMap { try sql.hosts.get(identity: $0) }?.id ?? sql.hosts.only()?.id
        }
    }
}

extension AdminAuditCommand {
    /// Without `openDatabase`'s lock: an audit may look while a restore is under way.
    private static func open(_ settings: DatabaseSettings, _ folder: DataFolder) throws -> any Database {
        guard settings.connection == nil else { return try settings.open(folder).database }
        return try SQLiteDatabase(path: folder.database)
    }
}

/// What an audit found, as the operator's command prints it.
struct OutputAudit: Encodable {
    var findings: [Finding]
    var computes: Int
    var events: Int64
    var teams: Int
    var milliseconds: Int64

    struct Finding: Encodable {
        var invariant: String
        var computeId: String?
        var what: String
    }

    init(_ report: AuditReport, after duration: Duration) {
        findings = report.findings.map {
            Finding(
                invariant: $0.invariant.rawValue, computeId: $0.computeId.map(String.init), what: $0.what)
        }
        (computes, events, teams) = (report.computes, report.events, report.teams)
        milliseconds = Int64(duration / .milliseconds(1))
    }

    /// A line for each finding, and one for all.
    var text: String {
        let lines = findings.map { OutputText.clean("\($0.invariant): \($0.what)") }
        let closing =
            "\(findings.count) \(findings.count == 1 ? "finding" : "findings"): \(computes) computes, \(events) events, "
            + "\(teams) teams looked at in \(milliseconds) ms"
        return (lines + [closing]).joined(separator: "\n")
    }
}

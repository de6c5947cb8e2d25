import ArgumentParser
import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
import CloudWire

/// `strettch admin compute show`.
struct AdminComputeShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show a compute with its work, the last error's detail, and QEMU's own words.",
        discussion: "On the compute's host. Elsewhere QEMU's words are missing.")

    @Argument(help: "The compute's id.") var id: Int64
    @OptionGroup var options: AdminOptions

    func run() async throws {
        let cloud = try options.cloud()
        let qemu = MachineLog.qemu(dataDirectory: try options.data.folder().path, id: id)
        let found = try await cloud.database.read { sql in try OutputComputeWork(id, qemu: qemu, sql) }
        guard let found else {
            throw CloudError(
                .resourceNotFound,
                "There is no compute \(id). 'strettch compute list' shows a team's; ids are never reused.")
        }
        try options.show(found, found.text)
    }
}

/// A compute and the work on it, as the operator's command prints them.
struct OutputComputeWork: Encodable {
    var id: String
    var name: String
    var team: String
    var host: String?
    var state: String
    var action: String?
    var step: String?
    /// When the step began.
    var since: String?
    var attempts: Int?
    var note: String?
    /// What the step's last failed attempt failed of.
    var detail: String?
    var failure: String?
    /// The last lines of QEMU's log; `nil` when it is not on this machine.
    var qemu: [String]?

    /// `nil` when there is no such compute.
    init?(_ id: Int64, qemu: [String]?, _ sql: any SQLConnection) throws {
        guard let compute = try sql.computes.get(id) else { return nil }
        self.id = String(id)
        name = compute.hostName
        team = try sql.teams.get(compute.teamId)?.name ?? String(compute.teamId)
        host = try compute.hostId.flatMap { try sql.hosts.get($0)?.name }
        state = compute.state.rawValue
        action = compute.job.action.rawValue
        step = compute.job.step.rawValue
        since = Timestamp.text(compute.job.sinceMs)
        attempts = compute.job.attempts
        note = compute.job.note
        detail = try sql.jobs.detail(id)
        failure = compute.failure.map { "\($0.code.rawValue): \($0.message)" }
        self.qemu = qemu
    }

    var text: String {
        let facts: [(name: String, value: String?)] = [
            ("id", id), ("name", name), ("team", team), ("host", host), ("state", state), ("action", action),
            ("step", step),
            ("since", since), ("attempts", attempts.map { "\($0)" }), ("note", note), ("failure", failure),
        ]
        return OutputText.clean(
            lines: OutputText.facts(facts, width: 10)
                + section("detail", detail?.split(separator: "\n").map(String.init))
                + section("QEMU", qemu ?? ["(its log is not on this machine)"]))
    }

    private func section(_ name: String, _ lines: [String]?) -> [String] {
        guard let lines, !lines.isEmpty else { return [] }
        return ["", name] + lines.map { "  " + $0 }
    }
}

import ArgumentParser
import CloudControl
import CloudCore
import CloudServer
import CloudWire

/// `strettch admin key`.
struct AdminKeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "Make, list and revoke API keys of a team.",
        subcommands: [
            AdminKeyCreateCommand.self, AdminKeyListCommand.self, AdminKeyRevokeCommand.self,
        ])
}

/// `strettch admin key create`.
struct AdminKeyCreateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make an API key for a team, and print it. It is shown once.")

    @Argument(help: "The team's name.") var team: String
    @Argument(help: "What the key is for: its name in the team.") var name: String
    @Option(help: "Owner, Admin or Member.") var role: Role = .member
    @OptionGroup var options: AdminOptions

    func run() async throws {
        let cloud = try options.cloud()
        let report = try await ReportTeams().run(name: team, in: cloud)
        let created = try await CreateKey(name: name, role: role, by: .operator(teamId: report.team.id))
            .run(in: cloud)
        try await options.show(created, of: team, undone: "It is revoked.") {
            _ = try await RevokeKey(id: created.key.id, by: .operator(teamId: report.team.id)).run(in: cloud)
        }
    }
}

/// `strettch admin key list`.
struct AdminKeyListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the keys of a team that work.")

    @Argument(help: "The team's name.") var team: String
    @OptionGroup var options: AdminOptions

    func run() async throws {
        let report = try await ReportTeams().run(name: team, in: try options.cloud())
        let keys = report.keys.map { KeyWire($0) }
        try options.show(keys, OutputKey.table(keys))
    }
}

/// `strettch admin key revoke`.
struct AdminKeyRevokeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Revoke an API key, at once and for good.")

    @Argument(help: "The team's name.") var team: String
    @Argument(help: "The key's id or name.") var key: String
    @OptionGroup var options: AdminOptions

    func run() async throws {
        let cloud = try options.cloud()
        let report = try await ReportTeams().run(name: team, in: cloud)
        let found = try Self.find(key, in: report)
        let revoked = try await RevokeKey(id: found.id, by: .operator(teamId: report.team.id)).run(in: cloud)
        try options.show(KeyWire(revoked), "\(OutputText.clean(found.name)) (\(found.id)) is revoked.")
    }

    /// The key with that id, or else with that name. Throws `RESOURCE_NOT_FOUND`.
    static func find(_ idOrName: String, in report: TeamReport) throws -> TeamKey {
        let key =
            report.keys.first { String($0.id) == idOrName } ?? report.keys.first { $0.name == idOrName }
        if let key { return key }
        throw CloudError(
            .resourceNotFound,
            "The team '\(report.team.name.shown)' has no key '\(idOrName.shown)' that works. See 'strettch admin key "
                + "list'.")
    }
}

extension Role: ExpressibleByArgument {}

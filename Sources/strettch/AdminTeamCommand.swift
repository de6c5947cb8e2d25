import ArgumentParser
import CloudControl
import CloudCore

/// `strettch admin team`.
struct AdminTeamCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "team", abstract: "Make, show, suspend, pay and delete teams.",
        subcommands: [
            AdminTeamCreateCommand.self, AdminTeamListCommand.self, AdminTeamShowCommand.self,
            AdminTeamSuspendCommand.self, AdminTeamResumeCommand.self, AdminTeamTopUpCommand.self,
            AdminTeamCorrectCommand.self, AdminTeamDeleteCommand.self,
        ])
}

/// `strettch admin team create`.
struct AdminTeamCreateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make a team, and print its first owner's key, which is shown once.")

    @Argument(help: "The team's name.") var name: String
    @OptionGroup var options: AdminOptions

    func run() async throws {
        let cloud = try options.cloud()
        let created = try await CreateTeam(name: name).run(in: cloud)
        try await options.show(created.key, of: created.team.name, undone: "The team is deleted again.") {
            try await DeleteTeam(teamId: created.team.id).run(in: cloud)
        }
    }
}

/// `strettch admin team list`.
struct AdminTeamListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List all teams.")

    @OptionGroup var options: AdminOptions

    func run() async throws {
        let teams = try await ReportTeams().run(in: try options.cloud()).map { OutputTeam($0) }
        try options.show(teams, OutputTeam.table(teams))
    }
}

/// `strettch admin team show`.
struct AdminTeamShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Show one team.")

    @Argument(help: "The team's name.") var name: String
    @OptionGroup var options: AdminOptions

    func run() async throws {
        let team = OutputTeam(try await ReportTeams().run(name: name, in: try options.cloud()))
        try options.show(team, team.detail)
    }
}

/// `strettch admin team delete`.
struct AdminTeamDeleteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete a team that has no computes left, and revoke its keys.")

    @Argument(help: "The team's name.") var name: String
    @Flag(help: "Skip the question. Without a terminal, nothing is asked.") var yes = false
    @OptionGroup var options: AdminOptions

    func run() async throws {
        let cloud = try options.cloud()
        let report = try await ReportTeams().run(name: name, in: cloud)
        try options.confirm("Delete the team \(OutputText.clean(name)) for good?", yes: yes)
        try await DeleteTeam(teamId: report.team.id).run(in: cloud)
        try options.show(
            OutputTeam(report), "\(OutputText.clean(name)) is deleted, and its keys are revoked.")
    }
}

import ArgumentParser
import CloudControl
import CloudCore
import CloudDatabase

/// `strettch admin`: what the operator does on the server's own machine, beside a running server.
struct AdminCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "admin", abstract: "Make teams and API keys, on the server's own machine.",
        subcommands: [CreateTeamCommand.self, CreateKeyCommand.self])
}

/// The settings that both commands need to work on the server's database.
struct AdminOptions: ParsableArguments {
    @OptionGroup var data: DataOption
    @Option(help: "The server's YAML file with settings, if it has one.") var config: String?

    func cloud() async throws -> Cloud {
        let settings = try await ServeSettings(flags: [:], file: config)
        return Cloud(
            database: try SQLiteDatabase(path: try data.folder().database),
            catalogue: Catalogue(regions: [], images: [], specifications: []),
            settings: settings.cloud, randomBytes: SystemRandom.bytes, wake: {})
    }
}

/// `strettch admin create-team`.
struct CreateTeamCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create-team", abstract: "Make a team, and print its owner's key, which is shown once.")

    @Argument(help: "The team's name.") var name: String
    @OptionGroup var options: AdminOptions

    func run() async throws {
        let cloud = try await options.cloud()
        let team = try await CreateTeam(name: name).run(in: cloud)
        print(try await CreateKey(teamId: team, name: "owner", role: .owner).run(in: cloud))
    }
}

/// `strettch admin create-key`.
struct CreateKeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create-key", abstract: "Make an API key for a team, and print it. It is shown once.")

    @Argument(help: "The team's name.") var team: String
    @Option(help: "Owner, Admin or Member.") var role: Role = .member
    @Option(help: "What the key is for.") var name: String = "made by the operator"
    @OptionGroup var options: AdminOptions

    func run() async throws {
        let cloud = try await options.cloud()
        let id = try await cloud.database.read { sql in try sql.teams.id(name: team) }
        guard let id else {
            throw CloudError(
                .resourceNotFound,
                "There is no team '\(team.shown)'. Make it with 'strettch admin create-team'.")
        }
        print(try await CreateKey(teamId: id, name: name, role: role).run(in: cloud))
    }
}

extension Role: ExpressibleByArgument {}

import ArgumentParser
import CloudControl
import CloudCore
import CloudDatabase
import CloudServer
import CloudWire

/// `strettch admin`: what the operator does on the server's own machine, beside a running server.
struct AdminCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "admin",
        abstract: "Teams, their API keys, hosts, moves, backups and the audit, on the server's own machine.",
        discussion:
            "These commands work on the server's database, whether the server runs or not; a restore needs it stopped.",
        subcommands: [
            AdminTeamCommand.self, AdminKeyCommand.self, AdminHostCommand.self, AdminComputeCommand.self,
            AdminAuditCommand.self,
            AdminBackupCommand.self, AdminRestoreCommand.self, AdminMigrateDatabaseCommand.self,
        ])
}

/// What every command of the operator needs to work on the server's database.
struct AdminOptions: ParsableArguments {
    @OptionGroup var data: DataOption
    @Option(help: "The server's YAML file with settings, if it has one.") var config: String?
    @Flag(help: "Print JSON.") var json = false

    func cloud() throws -> Cloud {
        let settings = try ServeSettings(file: config)
        let folder = try data.folder()
        return Cloud(
            database: try ServeSettings.database(beside: folder, config: config).open(folder).database,
            catalogue: Catalogue(regions: [], images: [], specifications: []),
            settings: settings.cloud, randomBytes: SystemRandom.bytes, wake: {})
    }

    /// Prints the value as JSON, or else its text for people.
    func show(_ value: some Encodable, _ text: String) throws {
        try OutputStreams.result(json ? OutputText.json(value) : text)
    }

    /// Prints a key that was just made: alone on standard output, so that a script can catch it. When that fails nobody has
    /// the key, and nobody ever will: `undo` takes back what was made. Throws `CommandFailure` then.
    /// - Parameter undone: what to say once it is taken back.
    func show(
        _ created: CreatedKey, of team: String, undone: String, undo: () async throws -> Void
    ) async throws {
        let wire = KeyWire(created.key, secret: created.secret)
        OutputStreams.note(OutputKey.created(wire, team: team))
        do {
            try show(wire, created.secret)
        } catch let failure as OutputFailure {
            let lost = "Standard output can't be written (\(failure.reason)), so nobody has the key."
            do {
                try await undo()
            } catch {
                throw CommandFailure(
                    .failure,
                    "\(lost) It could not be taken back either: run 'strettch admin key revoke \(OutputText.clean(team)) "
                        + "\(wire.id)'. \(OutputText.error(error))")
            }
            throw CommandFailure(.failure, "\(lost) \(undone) Run it again with output that can be written.")
        }
    }

    /// Asks, unless nobody can be asked. Throws `CommandFailure` when the answer is no.
    func confirm(_ question: String, yes: Bool) throws {
        try OutputStreams.confirm(question, yes: yes, refused: "Nothing was changed.")
    }
}

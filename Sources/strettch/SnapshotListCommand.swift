import ArgumentParser
import CloudClient
import CloudWire

/// `strettch snapshot list`.
struct SnapshotListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the team's snapshots.")

    @Option(help: "Maximum number of snapshots to show.")
    var limit: Int?

    @Option(
        help: "Only those of the compute with this id or name. An id is enough for a compute that is gone.")
    var compute: String?

    @Option(help: "Only those in this state, like READY. Deleted ones are listed with DELETED alone.")
    var state: String?

    @OptionGroup var options: ComputeOptions

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit: \(limit) is less than 1.") }
    }

    func run() async throws {
        try await options.withClient { client in
            let filter = SnapshotListFilter(
                computeId: try await computeId(client), state: state?.uppercased())
            let snapshots = try await client.allSnapshots(limit: limit ?? .max, filter: filter)
            try OutputStreams.result(
                options.json
                    ? try OutputText.json(snapshots)
                    : OutputSnapshot.list(snapshots, isFiltered: filter != SnapshotListFilter()))
        }
    }

    /// What is a number is taken for an id, so that the snapshots of a compute that is gone are found.
    private func computeId(_ client: StrettchClient) async throws -> String? {
        guard let compute, !CommandFind.isId(compute) else { return compute }
        return try await ComputeCommandFind.find(compute, client).id
    }
}

/// `strettch snapshot get`.
struct SnapshotGetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "get", abstract: "Show one snapshot.")

    @Argument(help: "Id or name of the snapshot.")
    var snapshot: String

    @OptionGroup var options: ComputeOptions

    func run() async throws {
        try await options.withClient { client in
            let found = try await SnapshotCommandFind.find(snapshot, client)
            try OutputStreams.result(
                options.json ? try OutputText.json(found) : OutputSnapshot.detail(found))
        }
    }
}

/// `strettch snapshot wait`.
struct SnapshotWaitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait", abstract: "Show a snapshot's steps until it is READY or has failed.")

    @Argument(help: "Id or name of the snapshot.")
    var snapshot: String

    @Option(help: ArgumentHelp("Give up after this many seconds.", valueName: "seconds"))
    var timeout = CommandWait.defaultTimeoutSeconds

    @OptionGroup var options: ComputeOptions

    func validate() throws { try CommandWait.validate(timeoutSeconds: timeout) }

    func run() async throws {
        try await options.withClient { client in
            let found = try await SnapshotCommandFind.find(snapshot, client)
            let ready = try await SnapshotCommandWait.ready(found, client, timeoutSeconds: timeout)
            try OutputStreams.result(
                options.json ? try OutputText.json(ready) : OutputSnapshot.detail(ready))
        }
    }
}

/// `strettch snapshot update`.
struct SnapshotUpdateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update", abstract: "Change a snapshot's name or protection from deletion.",
        discussion: "What is not named stays as it is.")

    @Argument(help: "Id or name of the snapshot.")
    var snapshot: String

    @Option(help: "New name.")
    var name: String?

    @Flag(inversion: .prefixedNo, help: "Refuse or allow its deletion.")
    var protection: Bool?

    @OptionGroup var options: ComputeOptions

    func validate() throws {
        guard name != nil || protection != nil else {
            throw ValidationError("Nothing to change. Give --name or --protection.")
        }
    }

    func run() async throws {
        try await options.withClient { client in
            let found = try await SnapshotCommandFind.find(snapshot, client)
            let update = UpdateSnapshotWire(name: name, deletionProtection: protection)
            let changed = try await client.updateSnapshot(id: found.id, update).data
            try OutputStreams.result(
                options.json ? try OutputText.json(changed) : OutputSnapshot.changed(changed))
        }
    }
}

import ArgumentParser
import CloudClient
import CloudWire
import Foundation

/// `strettch snapshot create`.
struct SnapshotCreateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Take a snapshot of a compute's disk.",
        discussion: """
            The disk is kept as it is at this moment; a guest that runs goes on. Prints the snapshot as soon as the server \
            has accepted it, or with --wait when it is READY.
            """)

    @Argument(help: "Id or name of the compute.")
    var compute: String

    @Argument(help: "Name of the snapshot.")
    var name: String

    @Flag(
        name: [.long, .customLong("protect")],
        help: "Refuse its deletion until 'strettch snapshot update --no-protection'.")
    var protection = false

    @Option(help: "UUID v4 that names this request. The same one again never takes a second snapshot.")
    var idempotencyKey: String?

    @Flag(help: "Wait until the snapshot is READY.")
    var wait = false

    @Option(help: "The longest to wait, in seconds.")
    var timeout = CommandWait.defaultTimeoutSeconds

    @OptionGroup var options: ComputeOptions

    func validate() throws {
        guard !name.isEmpty else { throw ValidationError("The name is empty. Give one like before-upgrade.") }
        try CommandWait.validate(timeoutSeconds: timeout)
        try CommandKey.validate(idempotencyKey)
    }

    func run() async throws {
        try await options.withClient { client in
            let found = try await ComputeCommandFind.find(compute, client)
            var snapshot = try await create(found.id, client)
            if wait {
                snapshot = try await SnapshotCommandWait.ready(snapshot, client, timeoutSeconds: timeout)
            }
            let text = wait ? OutputSnapshot.ready(snapshot) : OutputSnapshot.accepted(snapshot)
            try OutputStreams.result(options.json ? try OutputText.json(snapshot) : text)
        }
    }

    private func create(_ computeId: String, _ client: StrettchClient) async throws -> SnapshotWire {
        let request = CreateSnapshotWire(name: name, deletionProtection: protection ? true : nil)
        return try await CommandKey.send(
            idempotencyKey, what: "request", never: "takes a second snapshot"
        ) {
            try await client.createSnapshot(computeId: computeId, request, idempotencyKey: $0).data
        }
    }
}

import ArgumentParser
import CloudClient
import CloudWire

/// `strettch snapshot delete`.
struct SnapshotDeleteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete snapshots for good. Computes that were made of them keep their disks.",
        discussion: "All of them are looked up first: when one is not found, none is deleted.")

    @Argument(help: "Ids or names of the snapshots.")
    var snapshots: [String]

    @Flag(help: "Skip the confirmation (also skipped when there is no terminal).")
    var yes = false

    @Flag(help: "Wait until nothing is left of them.")
    var wait = false

    @Option(help: "The longest to wait for each, in seconds.")
    var timeout = CommandWait.defaultTimeoutSeconds

    @OptionGroup var options: ComputeOptions

    func validate() throws { try CommandWait.validate(timeoutSeconds: timeout) }

    func run() async throws {
        try await options.withClient { client in
            let found = try await find(client)
            guard yes || !OutputStreams.canAsk || OutputStreams.confirm(Self.question(found)) else {
                throw CommandFailure(.failure, "Nothing was deleted.")
            }
            try await delete(found, client)
        }
    }

    static func question(_ snapshots: [SnapshotWire]) -> String {
        "Delete \(snapshots.map { OutputSnapshot.name($0) }.joined(separator: ", ")) for good?"
    }

    /// Each snapshot once, in the order in which they were named.
    private func find(_ client: StrettchClient) async throws -> [SnapshotWire] {
        var found: [SnapshotWire] = []
        for name in snapshots {
            let snapshot = try await SnapshotCommandFind.find(name, client)
            if !found.contains(where: { $0.id == snapshot.id }) { found.append(snapshot) }
        }
        return found
    }

    /// Tries all of them. The first failure is thrown at the end, the others are printed at once.
    private func delete(_ snapshots: [SnapshotWire], _ client: StrettchClient) async throws {
        var deleted: [SnapshotWire] = []
        var first: (any Error)?
        for snapshot in snapshots {
            do {
                deleted.append(try await client.deleteSnapshot(id: snapshot.id).data)
            } catch {
                if first == nil { first = error } else { OutputStreams.note(OutputText.error(error)) }
            }
        }
        if options.json { try OutputStreams.result(OutputText.json(deleted)) }
        for snapshot in deleted { try await report(snapshot, client) }
        if let first { throw first }
    }

    private func report(_ snapshot: SnapshotWire, _ client: StrettchClient) async throws {
        let name = OutputSnapshot.name(snapshot)
        if wait {
            let outcome = try await SnapshotCommandWait.wait(
                snapshot.id, client, timeoutSeconds: timeout, for: ["DELETED"]
            ) { $0 == nil || $0?.state == "DELETED" }
            try CommandWait.gone(outcome, name: name, timeoutSeconds: timeout)
        }
        if !options.json {
            try OutputStreams.result(wait ? "\(name) is gone." : OutputSnapshot.changed(snapshot))
        }
    }
}

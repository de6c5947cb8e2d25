import ArgumentParser
import CloudClient
import CloudWire

/// `strettch compute restore`.
struct ComputeRestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Put a snapshot in place of what is on a compute's disk.",
        discussion: """
            The guest is shut down, its disk is made anew of the snapshot, and it boots again with its addresses. What was \
            written since the snapshot is lost. When the guest does not come up, the former disk is put back.
            """)

    @OptionGroup var change: ComputeChangeOptions

    @Option(help: "Id or name of the snapshot.")
    var snapshot: String

    @Flag(help: "Skip the question. Without a terminal, nothing is asked.")
    var yes = false

    func run() async throws {
        try await change.run { client, compute in
            let found = try await SnapshotCommandFind.find(snapshot, of: compute.id, client)
            try OutputStreams.confirm(
                Self.question(compute, found), yes: yes, refused: "Nothing was restored.")
            return try await client.restoreCompute(id: compute.id, RestoreComputeWire(snapshot: found.id))
        }
    }

    static func question(_ compute: ComputeWire, _ snapshot: SnapshotWire) -> String {
        "Replace the disk of \(OutputCompute.name(compute)) by snapshot \(OutputSnapshot.name(snapshot)) of "
            + "\(snapshot.createdAt)?"
    }
}

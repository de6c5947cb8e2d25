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

    @OptionGroup var deletion: CommandDeleteOptions

    func run() async throws {
        try await deletion.options.withClient { client in
            try await CommandDelete(
                options: deletion, find: { try await SnapshotCommandFind.find($0, client) },
                question: Self.question, delete: { try await client.deleteSnapshot(id: $0.id).data },
                wait: { snapshot in
                    try await SnapshotCommandWait.wait(
                        snapshot.id, client, timeoutSeconds: deletion.timeout, for: ["DELETED"]
                    ) { $0 == nil || $0?.state == "DELETED" }
                },
                name: { OutputSnapshot.name($0) }, accepted: { OutputSnapshot.changed($0) }
            ).run(snapshots)
        }
    }

    static func question(_ snapshots: [SnapshotWire]) -> String {
        "Delete \(snapshots.map { OutputSnapshot.name($0) }.joined(separator: ", ")) for good?"
    }
}

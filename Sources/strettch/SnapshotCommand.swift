import ArgumentParser
import CloudClient
import CloudWire
import Foundation

/// `strettch snapshot …`: snapshots of computes' disks from the command line, over the API.
struct SnapshotCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshot",
        abstract: "Take, show, change and delete snapshots of computes' disks.",
        discussion: """
            'strettch compute restore' puts a snapshot back in place, and 'strettch compute create --snapshot' makes a \
            new compute of one.
            """,
        subcommands: [
            SnapshotCreateCommand.self, SnapshotListCommand.self, SnapshotGetCommand.self,
            SnapshotWaitCommand.self, SnapshotUpdateCommand.self, SnapshotDeleteCommand.self,
        ])
}

/// Finds a snapshot by what the user calls it.
enum SnapshotCommandFind {
    /// The snapshot with that id, or else the only one with that name; of several, the only one that is READY.
    ///
    /// - Parameter computeId: the compute that it has to be of, when only a name is given; `nil`: any.
    /// - Throws: `CommandFailure` when there is none or more than one, and `ClientError`.
    static func find(
        _ idOrName: String, of computeId: String? = nil, _ client: StrettchClient
    ) async throws -> SnapshotWire {
        let filter = SnapshotListFilter(computeId: computeId)
        return try await CommandFind.find(
            idOrName, byId: { try await client.snapshot(id: $0).data },
            byName: { try only($0, in: try await client.allSnapshots(filter: filter)) })
    }

    static func only(_ name: String, in snapshots: [SnapshotWire]) throws -> SnapshotWire {
        let named = snapshots.filter { $0.name == name }
        let ready = named.filter { $0.state == "READY" }
        return try CommandFind.only(ready.isEmpty ? named : ready, called: name) {
            "of compute \($0.computeId)"
        }
    }
}

/// Waiting for a snapshot, with its progress on the screen.
enum SnapshotCommandWait {
    /// The snapshot once it is READY. Throws `CommandFailure` with status 8 and the reason for one that is not.
    static func ready(
        _ snapshot: SnapshotWire, _ client: StrettchClient, timeoutSeconds: Int
    ) async throws -> SnapshotWire {
        let outcome = try await wait(
            snapshot.id, client, timeoutSeconds: timeoutSeconds, for: ["READY", "FAILED", "DELETED"]
        ) { $0?.state != "TAKING" }
        return try CommandWait.reached(
            outcome, ["READY"], name: OutputSnapshot.name(snapshot), timeoutSeconds: timeoutSeconds)
    }

    /// Shows the snapshot's steps on standard error until `isReached`, or the time is up.
    /// - Parameter states: the server is asked to answer as soon as the snapshot is in one of them.
    static func wait(
        _ id: String, _ client: StrettchClient, timeoutSeconds: Int, for states: [String],
        until isReached: (SnapshotWire?) -> Bool
    ) async throws -> WaitOutcome<SnapshotWire> {
        try await CommandWait.showing { onLook in
            try await client.waitForSnapshot(
                id: id, bounds: WaitBounds(timeout: .seconds(timeoutSeconds)), for: states, until: isReached,
                onLook: onLook)
        }
    }
}

import CloudAudit
import CloudMachines
import CloudSimulation

extension Mutant {
    /// Bugs in what becomes of snapshots.
    static let ofSnapshots: [Mutant] = [
        Mutant(
            "loses what it has taken", breaks: Invariant.snapshot, in: { $0.shape.takesSnapshots },
            Sabotage(host: { WrongHost(host: $0, forgetsSnapshots: true) })),
        Mutant(
            "does not show that a snapshot is READY", breaks: ClientPromise.acceptedSnapshotIsThere,
            .sql { statement in
                statement.has("UPDATE snapshots SET state = $2") && statement.text(2) == "READY"
                    ? .skip() : .none
            }),
    ]
}

/// Snapshots that are gone as soon as they are taken.
struct Forgetful: SnapshotHost {
    let host: any SnapshotHost

    func takeSnapshot(_ snapshot: DiskSnapshot, of machine: Machine) async throws -> SnapshotProgress {
        let progress = try await host.takeSnapshot(snapshot, of: machine)
        if case .taken = progress { try await host.eraseSnapshot(snapshot) }
        return progress
    }

    func eraseSnapshot(_ snapshot: DiskSnapshot) async throws { try await host.eraseSnapshot(snapshot) }

    func makeDisk(_ machine: Machine, from snapshot: DiskSnapshot) async throws -> CopyProgress {
        try await host.makeDisk(machine, from: snapshot)
    }

    func restoreDisk(_ machine: Machine, from snapshot: DiskSnapshot) async throws -> CopyProgress {
        try await host.restoreDisk(machine, from: snapshot)
    }

    func dropFormerDisk(_ id: Int64) async throws { try await host.dropFormerDisk(id) }
    func takeBackFormerDisk(_ id: Int64) async throws { try await host.takeBackFormerDisk(id) }
    func snapshotIds() async throws -> Set<Int64> { try await host.snapshotIds() }
}

import CloudCore
import CloudMachines

extension SabotagedHost: SnapshotHost {
    var snapshots: any SnapshotHost { self }

    func takeSnapshot(_ snapshot: DiskSnapshot, of machine: Machine) async throws -> SnapshotProgress {
        try await pass(.takeSnapshot) { try await host.snapshots.takeSnapshot(snapshot, of: machine) }
    }

    func eraseSnapshot(_ snapshot: DiskSnapshot) async throws {
        try await pass(.eraseSnapshot) { try await host.snapshots.eraseSnapshot(snapshot) }
    }

    func makeDisk(_ machine: Machine, from snapshot: DiskSnapshot) async throws -> CopyProgress {
        try await pass(.makeDiskFromSnapshot) {
            try await host.snapshots.makeDisk(machine, from: snapshot)
        }
    }

    func restoreDisk(_ machine: Machine, from snapshot: DiskSnapshot) async throws -> CopyProgress {
        try await pass(.restoreDisk) { try await host.snapshots.restoreDisk(machine, from: snapshot) }
    }

    func dropFormerDisk(_ id: Int64) async throws {
        try await pass(.dropFormerDisk) { try await host.snapshots.dropFormerDisk(id) }
    }

    func takeBackFormerDisk(_ id: Int64) async throws {
        try await pass(.takeBackFormerDisk) { try await host.snapshots.takeBackFormerDisk(id) }
    }

    func snapshotIds() async throws -> Set<Int64> { try await host.snapshots.snapshotIds() }
}

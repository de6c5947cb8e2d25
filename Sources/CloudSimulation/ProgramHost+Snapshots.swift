import CloudCore
import CloudMachines

extension ProgramHost: SnapshotHost {
    var snapshots: any SnapshotHost { self }

    func takeSnapshot(_ snapshot: DiskSnapshot, of machine: Machine) async throws -> SnapshotProgress {
        try await act(.takeSnapshot, machine.id) {
            try await $0.snapshots.takeSnapshot(snapshot, of: machine)
        }
    }

    func eraseSnapshot(_ snapshot: DiskSnapshot) async throws {
        try await act(.eraseSnapshot, snapshot.machineId) { try await $0.snapshots.eraseSnapshot(snapshot) }
    }

    func makeDisk(_ machine: Machine, from snapshot: DiskSnapshot) async throws -> CopyProgress {
        try await act(.makeDiskFromSnapshot, machine.id) {
            try await $0.snapshots.makeDisk(machine, from: snapshot)
        }
    }

    func restoreDisk(_ machine: Machine, from snapshot: DiskSnapshot) async throws -> CopyProgress {
        try await act(.restoreDisk, machine.id) {
            try await $0.snapshots.restoreDisk(machine, from: snapshot)
        }
    }

    func dropFormerDisk(_ id: Int64) async throws {
        try await act(.dropFormerDisk, id) { try await $0.snapshots.dropFormerDisk(id) }
    }

    func takeBackFormerDisk(_ id: Int64) async throws {
        try await act(.takeBackFormerDisk, id) { try await $0.snapshots.takeBackFormerDisk(id) }
    }

    func snapshotIds() async throws -> Set<Int64> {
        await world.executor.pause()
        try requireOwned()
        return try await world.hosts[incarnation.program].snapshots.snapshotIds()
    }
}

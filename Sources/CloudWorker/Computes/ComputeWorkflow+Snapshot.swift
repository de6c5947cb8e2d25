import CloudCore
import CloudDatabase
import CloudMachines

/// Finds the snapshot that a compute's disk is to be a copy of.
struct FindSnapshot: Sendable {
    let database: any Database

    func run(_ compute: Compute) async throws -> DiskSnapshot {
        guard let id = compute.snapshotId,
            let snapshot = try await database.glance({ try $0.snapshots.get(id) })
        else { throw CloudError.bug("compute \(compute.id) is to be made of no snapshot") }
        return DiskSnapshot(snapshot)
    }
}

/// The steps of a compute whose disk is a copy of a snapshot.
extension ComputeWorkflow {
    /// Makes the disk of a new compute. The image that the snapshot lies over is on the snapshot's host.
    func copyDisk(_ compute: Compute) async throws -> Outcome {
        let snapshot = try await snapshots.run(compute)
        return try await copying {
            try await host.snapshots.makeDisk(try Machine(compute), from: snapshot)
        }
    }

    func restore(_ compute: Compute) async throws -> Outcome {
        let snapshot = try await snapshots.run(compute)
        return try await copying {
            try await host.snapshots.restoreDisk(try Machine(compute), from: snapshot)
        }
    }

    private func copying(_ copy: () async throws -> CopyProgress) async throws -> Outcome {
        do {
            switch try await copy() {
            case .copying(let note): return .wait(milliseconds: SnapshotWorkflow.lookMs, note: note)
            case .done: return .done
            }
        } catch let error as CloudError where error.endsCopy {
            return .fail(ComputeFailure(.hostFailed, error.message))
        }
    }
}

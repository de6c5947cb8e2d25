import CloudCore
import CloudDatabase
import CloudMachines

/// The steps of a snapshot's life, each a call of the host that has it.
struct SnapshotWorkflow: Sendable {
    let host: any MachineHost
    let catalogue: Catalogue
    /// Whether anything costs.
    let isBilled: Bool

    typealias Outcome = StepOutcome<SnapshotNews>

    /// Between two looks at a copy of a disk, in milliseconds.
    static let lookMs: Int64 = 250

    func run(_ step: SnapshotStep, _ subject: SnapshotSubject, nowMs: Int64) async throws -> Outcome {
        switch step {
        case .copy: return try await copy(subject)
        case .kept, .done: return .rest
        case .erase:
            try await host.snapshots.eraseSnapshot(DiskSnapshot(subject.snapshot))
            return .done
        }
    }

    private func copy(_ subject: SnapshotSubject) async throws -> Outcome {
        let progress: SnapshotProgress
        do {
            progress = try await host.snapshots.takeSnapshot(
                DiskSnapshot(subject.snapshot), of: try Machine(subject.compute))
        } catch let error as CloudError where error.endsCopy {
            return .fail(ComputeFailure(.hostFailed, error.message))
        }
        switch progress {
        case .copying(let note): return .wait(milliseconds: Self.lookMs, note: note)
        case .taken(let bytes, let consistency): return .news(.taken(bytes: bytes, consistency))
        case .failed(let reason):
            return .fail(
                ComputeFailure(.hostFailed, "The snapshot could not be taken: \(reason). Take another."))
        }
    }
}

extension DiskSnapshot {
    init(_ snapshot: Snapshot) {
        self.init(id: snapshot.id, machineId: snapshot.computeId, createdAtMs: snapshot.createdAtMs)
    }
}

extension CloudError {
    /// Whether another attempt at a copy of a disk would fail in the same way: its source is gone, or does not fit.
    var endsCopy: Bool { code == .resourceNotFound || code == .unprocessableEntity }
}

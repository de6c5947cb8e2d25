import CloudCore
import CloudDatabase
import CloudMachines
import CloudVerbs
import Logging

/// A snapshot with the compute whose disk it is of.
struct SnapshotSubject: WorkflowSubject {
    var snapshot: Snapshot
    /// As it is; gone, perhaps.
    var compute: Compute

    var id: Int64 { snapshot.id }
    var job: Job<SnapshotAction> { snapshot.job }
    var label: Logger.Metadata { ["compute": "\(snapshot.computeId)", "snapshot": "\(snapshot.id)"] }
}

/// What a step of a snapshot may find.
enum SnapshotNews: Sendable, Equatable, CustomStringConvertible {
    /// The disk's content is there, in a file of so many bytes.
    case taken(bytes: Int64, SnapshotConsistency)

    /// For labels.
    var description: String { "advance" }
}

/// What an outcome means for the rows of a snapshot.
extension SnapshotWorkflow: Workflow {
    static let kind = ResourceKind.snapshot

    static func write(of step: SnapshotStep) -> DurableWrite { .outcome(of: step) }

    func find(_ id: Int64, _ sql: any SQLConnection) throws -> SnapshotSubject? {
        guard let snapshot = try sql.snapshots.get(id) else { return nil }
        guard let compute = try sql.computes.get(snapshot.computeId) else {
            throw CloudError.bug("snapshot \(id) of no compute")
        }
        return SnapshotSubject(snapshot: snapshot, compute: compute)
    }

    func settle(
        _ news: SnapshotNews, _ subject: SnapshotSubject, _ turn: Turn
    ) throws -> Turnout<SnapshotAction> {
        switch news {
        case .taken(let bytes, let consistency):
            // Who has asked for its end meanwhile gets that.
            guard subject.job.action == .take else { return .next }
            try turn.sql.snapshotVerbs.keep(
                subject.snapshot, bytes: bytes, consistency,
                price: isBilled ? catalogue.price(ofSnapshotGb: Snapshot.billedGb(bytes)) : .free,
                nowMs: turn.nowMs)
            return .restAt(.keep)
        }
    }

    func complete(_ subject: SnapshotSubject, _ turn: Turn) throws -> Turnout<SnapshotAction> {
        switch subject.job.action {
        case .delete, .cleanUp:
            try turn.sql.snapshotVerbs.finish(subject.snapshot, nowMs: turn.nowMs)
            return .restAt(.gone)
        case .take, .keep, .gone:
            throw CloudError.bug(
                "the action \(subject.job.action.rawValue) of snapshot \(subject.id) has ended")
        }
    }

    func fail(
        _ subject: SnapshotSubject, _ failure: ComputeFailure, _ turn: Turn
    ) throws -> Turnout<SnapshotAction> {
        switch subject.job.action {
        case .take:
            try turn.sql.snapshotVerbs.fail(subject.snapshot, failure, nowMs: turn.nowMs)
            return .begin(.cleanUp, at: nil)
        // Whoever asked for the end gets it.
        case .delete: return .next
        case .cleanUp, .keep, .gone:
            throw CloudError.bug("snapshot \(subject.id) failed at '\(subject.job.step.rawValue)'")
        }
    }

    func giveUp(
        _ subject: SnapshotSubject, late: String, _ turn: Turn
    ) throws -> Turnout<SnapshotAction> {
        try fail(
            subject,
            ComputeFailure(.deadlineExceeded, "\(late) Take another; if it persists, ask the operator."),
            turn)
    }
}

import CloudCore
import CloudDatabase

extension AuditSnapshot {
    /// Snapshots of disks by their rows: that the work on each fits what it shows, and goes on, and that each is told of.
    var snapshotFindings: [AuditFinding] {
        snapshotsWithoutJob.map {
            AuditFinding(
                .oneJob,
                "snapshot \($0) has no job: nothing will ever be done to it. Restore the row from a backup.")
        }
            + snapshots.compactMap(\.shapeFinding)
            + snapshots.compactMap { $0.stuckFinding(down, nowMs: nowMs) }
            + snapshotEventsAmiss.map {
                AuditFinding(
                    .stateHasItsEvent,
                    "the events of snapshot \($0) don't say once who asked for it, or once that it is gone. Restore the "
                        + "events from a backup.")
            }
    }

    /// What is there of snapshots and should not be, and the other way round.
    /// - Parameters:
    ///   - onHost: those of which the host has anything.
    ///   - hostId: the host's, and of those that keep their snapshots at the same place.
    func snapshotFindings(onHost: Set<Int64>, of hostIds: Set<Int64>) -> [AuditFinding] {
        let own = snapshots.map(\.snapshot).filter { hostIds.contains($0.hostId) }
        let known = Set(own.filter { $0.job.step != .done }.map(\.id))
        return own.filter { $0.state == .ready && !onHost.contains($0.id) }.map {
            AuditFinding(
                .snapshot,
                "snapshot \($0.id) is READY, and its host has nothing of it. Restore its file from a backup, or delete it."
            )
        }
            + onHost.subtracting(known).sorted().map {
                AuditFinding(
                    .noOrphans,
                    "snapshot \($0) lies on this host, and no row stands for it. A running server removes it after its "
                        + "grace period (orphanGrace).")
            }
    }
}

extension AuditedSnapshot {
    fileprivate var shapeFinding: AuditFinding? {
        let job = snapshot.job
        guard !snapshot.state.allows(job.action, job.step) || jobHostId != snapshot.hostId else { return nil }
        return AuditFinding(
            .stateFitsStep,
            "snapshot \(snapshot.id) is \(snapshot.state.rawValue) on host \(snapshot.hostId), and its job does "
                + "'\(job.action.rawValue)' at the step '\(job.step.rawValue)' on host \(jobHostId.map(String.init) ?? "none"): "
                + "these don't fit. Delete it, or restore its rows from a backup.")
    }

    fileprivate func stuckFinding(_ down: Set<Int64>, nowMs: Int64) -> AuditFinding? {
        let rests = snapshot.job.action == .keep || snapshot.job.action == .gone
        guard !down.contains(snapshot.hostId),
            let why = snapshot.job.stuck(
                dueAtMs: dueAtMs, leaseUntilMs: leaseUntilMs, rests: rests, nowMs: nowMs)
        else { return nil }
        return AuditFinding(
            .nothingIsStuck,
            "snapshot \(snapshot.id) (\(snapshot.state.rawValue)): its job, '\(snapshot.job.action.rawValue)' at "
                + "'\(snapshot.job.step.rawValue)', \(why). Look for it in the log, and restart the server if it stays so."
        )
    }
}

extension SnapshotState {
    /// Whether a snapshot in this state may have that done at that step.
    func allows(_ action: SnapshotAction, _ step: SnapshotStep) -> Bool {
        switch self {
        case .taking: action == .take && step == .copy
        case .ready: action == .keep && step == .kept
        case .failed: (action == .cleanUp && step == .erase) || (action == .gone && step == .done)
        // It finds the job where the action before it stood, until the worker takes it up.
        case .deleting: action == .delete
        case .deleted: action == .gone && step == .done
        }
    }
}

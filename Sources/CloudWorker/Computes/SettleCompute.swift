import CloudCore
import CloudDatabase
import CloudVerbs
import Logging

extension Compute: WorkflowSubject {
    var label: Logger.Metadata { ["compute": "\(id)", "team": "\(teamId)"] }
}

/// What a step of a compute may find.
enum ComputeNews: Sendable, Equatable, CustomStringConvertible {
    /// The guest has ended by itself, for this reason.
    case guestGone(ComputeFailure)
    /// The machine rests, and is not as it should be.
    case drifted(MachineDrift)
    /// Another program has this port, which leads to the guest: try again at once with the next one.
    case portTaken(Int)

    /// For labels.
    var description: String {
        switch self {
        case .guestGone: "guest_gone"
        case .drifted: "drifted"
        case .portTaken: "retry"
        }
    }
}

/// What an outcome means for the rows of a compute.
extension ComputeWorkflow: Workflow {
    static let kind = ResourceKind.compute

    static func write(of step: ComputeStep) -> DurableWrite { .outcome(of: step) }

    func find(_ id: Int64, _ sql: any SQLConnection) throws -> Compute? { try sql.computes.get(id) }

    func note(_ steps: [ComputeStep], _ compute: Compute, _ turn: Turn) throws {
        // That it has the bytes makes a host preferable.
        guard steps.contains(.image) || steps.contains(.disk) else { return }
        try turn.sql.hosts.noteImage(compute.imageKey, hostId: turn.hostId)
    }

    func complete(_ compute: Compute, _ turn: Turn) throws -> Turnout<ComputeAction> {
        let verbs = turn.sql.computeVerbs
        switch compute.job.action {
        case .create, .start, .reboot, .restore, .putBack:
            if compute.job.action == .restore {
                try restored(compute, turn)
            }
            try verbs.set(compute, state: .running, intent: compute.intent, nowMs: turn.nowMs)
            try verbs.append("compute.running", nil, compute, nowMs: turn.nowMs)
        case .stop:
            try verbs.set(compute, state: .stopped, intent: compute.intent, nowMs: turn.nowMs)
            try verbs.append("compute.stopped", compute.failure?.message, compute, nowMs: turn.nowMs)
        case .upsize:
            try verbs.append("compute.upsized", compute.specification, compute, nowMs: turn.nowMs)
        case .delete, .cleanUp:
            try finish(compute, turn)
            return .restAt(.gone)
        case .update, .keep, .gone:
            throw CloudError.bug(
                "the action \(compute.job.action.rawValue) of compute \(compute.id) has ended")
        }
        // What was found just now needs no look before the supervisor's next.
        return .restAt(.keep)
    }

    /// The disk lies over what the snapshot's did, from now on, when nothing is left of the disk that it had.
    private func restored(_ compute: Compute, _ turn: Turn) throws {
        let source = compute.snapshotId.map { "from snapshot \($0)" }
        try turn.sql.computeVerbs.append("compute.restored", source, compute, nowMs: turn.nowMs)
        guard let snapshot = try compute.snapshotId.flatMap({ try turn.sql.snapshots.get($0) }),
            snapshot.imageKey != compute.imageKey
        else { return }
        try turn.sql.computes.set(compute.id, image: snapshot.image, imageId: snapshot.imageId)
    }

    /// Gives the addresses back, last of all, when nothing is left that could use them.
    private func finish(_ compute: Compute, _ turn: Turn) throws {
        try turn.sql.computeVerbs.release(compute, nowMs: turn.nowMs)
        guard compute.intent == .destroyed else { return }
        try turn.sql.computeVerbs.set(compute, state: .destroyed, intent: .destroyed, nowMs: turn.nowMs)
        try turn.sql.idempotencyKeys.expire(
            resourceId: compute.id, atMs: turn.nowMs + IdempotencyKey.retentionMs)
        try turn.sql.computeVerbs.append("compute.destroyed", nil, compute, nowMs: turn.nowMs)
    }

    func giveUp(_ compute: Compute, late: String, _ turn: Turn) throws -> Turnout<ComputeAction> {
        switch (compute.job.action, compute.job.step) {
        case (let action, .shutdown): return .begin(action, at: .unplug)
        // It shows already why the restore was undone.
        case (.putBack, .confirm): return try complete(compute, turn)
        case (.start, .confirm), (.reboot, .confirm):
            let turnout = try complete(compute, turn)
            try turn.sql.computes.set(
                compute.id,
                failure: ComputeFailure(
                    .sshUnreachable,
                    "The guest runs, but its SSH server did not answer within "
                        + "\((compute.job.action.deadlineMs(of: .confirm) ?? 0) / 1000) s. Look at its firewall and SSH "
                        + "server, or reboot it."))
            return turnout
        default:
            return try fail(
                compute,
                ComputeFailure(.deadlineExceeded, "\(late) Try again; if it persists, ask the operator."),
                turn)
        }
    }

    func fail(
        _ compute: Compute, _ failure: ComputeFailure, _ turn: Turn
    ) throws -> Turnout<ComputeAction> {
        switch compute.job.action {
        // Whoever asked for the end gets it, and no reason is owed.
        case .delete: return .begin(.delete, at: .halt)
        case .stop: return .begin(.stop, at: .unplug)
        case .start, .reboot, .putBack: return try takeDown(compute, failure, turn)
        case .restore: return try putBack(compute, failure, turn)
        // By its own doing: it has its disk, and what is on it can be gone on with.
        case .create where failure.code == .guestStopped: return try takeDown(compute, failure, turn)
        case .upsize:
            try turn.sql.computes.set(compute.id, failure: failure)
            try turn.sql.computeVerbs.append(
                "compute.upsize.failed", failure.message, compute, nowMs: turn.nowMs)
            return .restAt(.keep)
        case .create:
            try turn.sql.computeVerbs.set(compute, state: .failed, intent: compute.intent, nowMs: turn.nowMs)
            try turn.sql.computes.set(compute.id, failure: failure)
            try turn.sql.computeVerbs.append("compute.failed", failure.message, compute, nowMs: turn.nowMs)
            return .begin(.cleanUp, at: nil)
        case .update, .cleanUp, .keep, .gone:
            // Nothing that can fail is under way; and only a create may take what is there away.
            throw CloudError.bug(
                "compute \(compute.id) failed at '\(compute.job.step.rawValue)' of '\(compute.job.action.rawValue)'"
            )
        }
    }

    /// Brings the guest up again on the disk that it had.
    private func putBack(
        _ compute: Compute, _ failure: ComputeFailure, _ turn: Turn
    ) throws -> Turnout<ComputeAction> {
        let reason = "The restore was undone, and the compute has the disk that it had: \(failure.message)"
        try turn.sql.computes.set(compute.id, failure: ComputeFailure(.restoreFailed, reason))
        try turn.sql.computeVerbs.append(
            "compute.restore.failed", failure.message, compute, nowMs: turn.nowMs)
        return .begin(.putBack, at: .unplug)
    }

    /// Ends STOPPED, with the reason, once nothing of the machine runs.
    private func takeDown(
        _ compute: Compute, _ failure: ComputeFailure, _ turn: Turn
    ) throws -> Turnout<ComputeAction> {
        try turn.sql.computeVerbs.set(compute, state: compute.state, intent: .stopped, nowMs: turn.nowMs)
        try turn.sql.computes.set(compute.id, failure: failure)
        return .begin(.stop, at: .unplug)
    }

    func settle(_ news: ComputeNews, _ compute: Compute, _ turn: Turn) throws -> Turnout<ComputeAction> {
        switch news {
        case .portTaken(let port): return try changePort(port, compute, turn)
        case .guestGone(let failure):
            try guestGone(compute, failure, turn)
            return .again
        case .drifted(let drift):
            try report(drift, compute, turn)
            // Whether it is as it should be now, and what else differs, is for the supervisor's next look: what can't be
            // put right is then tried every few seconds, and not as fast as the machine can.
            return .rest
        }
    }

    private func guestGone(_ compute: Compute, _ failure: ComputeFailure, _ turn: Turn) throws {
        guard compute.state == .running, compute.isAtRest else { return }
        try turn.sql.computeVerbs.set(compute, state: .stopped, intent: .stopped, nowMs: turn.nowMs)
        try turn.sql.computes.set(compute.id, failure: failure)
        try turn.sql.computeVerbs.append("compute.stopped", failure.message, compute, nowMs: turn.nowMs)
    }

    /// An action that was asked for meanwhile has forgotten earlier failures, and will see for itself.
    private func report(_ drift: MachineDrift, _ compute: Compute, _ turn: Turn) throws {
        guard compute.isAtRest else { return }
        var failure: ComputeFailure?
        switch drift.report {
        case .unchanged: break
        case .set(let new):
            failure = new
            try turn.sql.computes.set(compute.id, failure: new)
        case .cleared: try turn.sql.computes.set(compute.id, failure: nil)
        }
        try turn.sql.computeVerbs.append(drift.eventKind, failure?.message, compute, nowMs: turn.nowMs)
    }

    func left(_ steps: [ComputeStep], _ compute: Compute) {
        if steps.contains(.boot) { slots.end(compute.id) }
    }

    func completed(_ compute: Compute, nowMs: Int64) {
        guard compute.job.action == .create, compute.intent == .running else { return }
        metrics.created(after: nowMs - compute.createdAtMs)
    }
}

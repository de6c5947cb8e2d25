import CloudCore
import CloudDatabase

/// Saves what a step decided, and the rows that it changed, in one transaction, if the lease is still held
/// and the host still the worker's own.
struct SaveOutcome: Sendable {
    let claim: HostClaim
    let computeId: Int64
    /// The compute's.
    let image: String
    /// The steps that were run, the first of which the job stands at; at least one.
    let steps: [ComputeStep]
    /// What the last of them decided.
    let outcome: StepOutcome
    let owner: String
    let nowMs: Int64
    let leaseUntilMs: Int64
    /// Milliseconds until a failed step is tried again.
    let backoffMs: Int64
    /// Ports that lead to guests; `nil` where guests have a network of their own.
    var sshPorts: ClosedRange<Int>?

    /// What the worker does next.
    enum Next: Sendable, Equatable {
        /// The lease is renewed; run the job's next step.
        case goOn
        /// The lease is given back, or was lost.
        case leave
    }

    private var step: ComputeStep { steps[steps.count - 1] }

    func run(_ sql: any SQLConnection) throws -> Next {
        let hostId = try claim.check(sql)
        guard try sql.jobs.renew(computeId, owner: owner, untilMs: leaseUntilMs) else { return .leave }
        // That it has the bytes makes a host preferable.
        if steps.contains(.disk) || outcome == .advance(.disk) {
            try sql.hosts.noteImage(image, hostId: hostId)
        }
        if case .advance(let next) = outcome, next != .idle {
            try sql.jobs.move(computeId, to: next, nowMs: nowMs)
            return .goOn
        }
        // All but the last of them have ended.
        if steps.count > 1 { try sql.jobs.move(computeId, to: step, nowMs: nowMs) }
        let next = try save(try read(sql), sql)
        if next == .leave { try sql.jobs.release(computeId) }
        return next
    }

    private func read(_ sql: any SQLConnection) throws -> Compute {
        guard let compute = try sql.computes.get(computeId) else {
            throw CloudError.bug("job without compute \(computeId)")
        }
        return compute
    }

    private func save(_ compute: Compute, _ sql: any SQLConnection) throws -> Next {
        switch outcome {
        // To `idle`. What was found just now needs no look before the supervisor's next.
        case .advance:
            try complete(compute, sql)
            try sql.jobs.move(computeId, to: .idle, nowMs: nowMs)
            return try rest(try read(sql), at: .idle, sql)
        case .wait(let milliseconds, let note):
            return try pause(compute, sql, milliseconds: milliseconds, note: note)
        case .portTaken(let port):
            return try changePort(port, compute, sql)
        case .retry(let note, let detail):
            try sql.jobs.countAttempt(computeId)
            if let detail { try sql.jobs.set(computeId, detail: detail) }
            return try pause(compute, sql, milliseconds: backoffMs, note: note)
        case .rest:
            return try rest(compute, at: step, sql)
        case .fail(let failure):
            try fail(compute, failure, sql)
            return .goOn
        case .guestGone(let failure):
            try guestGone(compute, failure, sql)
            return .goOn
        case .drifted(let drift):
            try report(drift, compute, sql)
            // Whether it is as it should be now, and what else differs, is for the supervisor's next look: what can't be
            // put right is then tried every few seconds, and not as fast as the machine can.
            return try rest(compute, at: step, sql)
        case .finish:
            try finish(compute, sql)
            return .leave
        }
    }

    private func rest(_ compute: Compute, at step: ComputeStep, _ sql: any SQLConnection) throws -> Next {
        // An intent that changed meanwhile wants the next step at once.
        let preempted = compute.dueStep(at: step) != step
        try sql.jobs.schedule(computeId, dueAtMs: preempted ? nowMs : nil)
        return .leave
    }

    func pause(
        _ compute: Compute, _ sql: any SQLConnection, milliseconds: Int64, note: String?
    ) throws -> Next {
        if let deadlineMs = deadlineMs(compute), let since = compute.task?.sinceMs,
            nowMs - since >= deadlineMs
        {
            try giveUp(compute, after: deadlineMs, note: note, sql)
            return .goOn
        }
        try sql.jobs.set(computeId, note: note)
        let preempted = compute.dueStep(at: step) != step
        try sql.jobs.schedule(computeId, dueAtMs: preempted ? nowMs : nowMs + milliseconds)
        return .leave
    }

    /// A start knows the guest: it was reached before, and its owner may have moved or closed its SSH server since.
    private static let restartConfirmMs: Int64 = 300_000

    private func deadlineMs(_ compute: Compute) -> Int64? {
        step == .confirm && compute.task?.action != .create ? Self.restartConfirmMs : step.deadlineMs
    }

    /// What becomes of a step that is past its deadline.
    private func giveUp(
        _ compute: Compute, after deadlineMs: Int64, note: String?, _ sql: any SQLConnection
    ) throws {
        let late =
            "The step '\(step.rawValue)' did not finish within \(deadlineMs / 1000) s\(note.map { ": \($0)" } ?? "")."
        switch (compute.task?.action, step) {
        case (_, .shutdown):
            try sql.jobs.move(computeId, to: .unplug, nowMs: nowMs)
        case (.start, .confirm), (.reboot, .confirm):
            try complete(compute, sql)
            try sql.computes.set(
                computeId,
                failure: ComputeFailure(
                    .sshUnreachable,
                    "The guest runs, but its SSH server did not answer within \(deadlineMs / 1000) s. Look at its "
                        + "firewall and SSH server, or reboot it."))
            try sql.jobs.move(computeId, to: .idle, nowMs: nowMs)
        default:
            try fail(
                compute,
                ComputeFailure(.deadlineExceeded, "\(late) Try again; if it persists, ask the operator."), sql
            )
        }
    }

    /// The action is done, unless another has taken its place meanwhile.
    private func complete(_ compute: Compute, _ sql: any SQLConnection) throws {
        guard let action = compute.task?.action, action.steps.last == step else { return }
        try sql.jobs.set(computeId, action: nil)
        switch action {
        case .create, .start, .reboot:
            try sql.computes.set(computeId, state: .running, intent: compute.intent, nowMs: nowMs)
            try append("compute.running", nil, compute, sql)
        case .stop:
            try sql.computes.set(computeId, state: .stopped, intent: compute.intent, nowMs: nowMs)
            try append("compute.stopped", compute.failure?.message, compute, sql)
        case .upsize:
            try append("compute.upsized", compute.specification, compute, sql)
        case .update, .delete:
            throw CloudError.bug("the action \(action.rawValue) of compute \(computeId) ended in idle")
        }
    }

    func fail(_ compute: Compute, _ failure: ComputeFailure, _ sql: any SQLConnection) throws {
        switch compute.task?.action {
        // Whoever asked for the end gets it, and no reason is owed.
        case .delete: try sql.jobs.move(computeId, to: .halt, nowMs: nowMs)
        case .stop: try sql.jobs.move(computeId, to: .unplug, nowMs: nowMs)
        case .start, .reboot: try takeDown(compute, failure, sql)
        // By its own doing: it has its disk, and what is on it can be gone on with.
        case .create where failure.code == .guestStopped: try takeDown(compute, failure, sql)
        case .upsize:
            try sql.computes.set(computeId, failure: failure)
            try sql.jobs.set(computeId, action: nil)
            try sql.jobs.move(computeId, to: .idle, nowMs: nowMs)
            try append("compute.upsize.failed", failure.message, compute, sql)
        case .update, nil:
            // Nothing that can fail is under way; and only a create may take what is there away.
            throw CloudError.bug("compute \(computeId) failed at '\(step.rawValue)' without an action")
        case .create:
            try sql.computes.set(computeId, state: .failed, intent: compute.intent, nowMs: nowMs)
            try sql.computes.set(computeId, failure: failure)
            try sql.jobs.set(computeId, action: nil)
            try sql.jobs.move(computeId, to: .halt, nowMs: nowMs)
            try append("compute.failed", failure.message, compute, sql)
        }
    }

    /// Ends STOPPED, with the reason, once nothing of the machine runs.
    private func takeDown(_ compute: Compute, _ failure: ComputeFailure, _ sql: any SQLConnection) throws {
        try sql.computes.set(computeId, state: compute.state, intent: .stopped, nowMs: nowMs)
        try sql.computes.set(computeId, failure: failure)
        try sql.jobs.set(computeId, action: .stop)
        try sql.jobs.move(computeId, to: .unplug, nowMs: nowMs)
    }

    private func guestGone(_ compute: Compute, _ failure: ComputeFailure, _ sql: any SQLConnection) throws {
        guard compute.state == .running, compute.task?.action == nil else { return }
        try sql.computes.set(computeId, state: .stopped, intent: .stopped, nowMs: nowMs)
        try sql.computes.set(computeId, failure: failure)
        try append("compute.stopped", failure.message, compute, sql)
    }

    /// An action that was asked for meanwhile has forgotten earlier failures, and will see for itself.
    private func report(_ drift: MachineDrift, _ compute: Compute, _ sql: any SQLConnection) throws {
        guard compute.task?.action == nil else { return }
        var failure: ComputeFailure?
        switch drift.report {
        case .unchanged: break
        case .set(let new):
            failure = new
            try sql.computes.set(computeId, failure: new)
        case .cleared: try sql.computes.set(computeId, failure: nil)
        }
        try append(drift.eventKind, failure?.message, compute, sql)
    }

    /// Gives the addresses back, last of all, when nothing is left that could use them.
    private func finish(_ compute: Compute, _ sql: any SQLConnection) throws {
        try sql.computes.releaseAddresses(computeId)
        try sql.jobs.move(computeId, to: .done, nowMs: nowMs)
        try sql.jobs.set(computeId, action: nil)
        guard compute.intent == .destroyed else {
            try sql.jobs.schedule(computeId, dueAtMs: nil)
            return
        }
        try sql.computes.set(computeId, state: .destroyed, intent: .destroyed, nowMs: nowMs)
        try sql.jobs.schedule(computeId, dueAtMs: nil)
        try sql.idempotencyKeys.expire(computeId: computeId, atMs: nowMs + IdempotencyKey.retentionMs)
        try append("compute.destroyed", nil, compute, sql)
    }

    private func append(_ kind: String, _ detail: String?, _ compute: Compute, _ sql: any SQLConnection)
        throws
    {
        try sql.events.append(
            Event(computeId: computeId, teamId: compute.teamId, kind: kind, detail: detail, actor: .system),
            nowMs: nowMs)
    }
}

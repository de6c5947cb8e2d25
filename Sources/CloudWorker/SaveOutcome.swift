import CloudCore
import CloudDatabase

/// Saves what a step decided, and the rows that it changed, in one transaction, if the lease is still held.
struct SaveOutcome: Sendable {
    let computeId: Int64
    let step: ComputeStep
    let outcome: StepOutcome
    let owner: String
    let nowMs: Int64
    let leaseUntilMs: Int64
    /// Milliseconds until a failed step is tried again.
    let backoffMs: Int64

    /// An idempotency key outlives its compute by 30 days (API reference, last section).
    static let keyRetentionMs: Int64 = 30 * 86_400_000

    /// What the worker does next.
    enum Next: Sendable, Equatable {
        /// The lease is renewed; run the job's next step.
        case goOn
        /// The lease is given back, or was lost.
        case leave
    }

    func run(_ sql: any SQLConnection) throws -> Next {
        guard try sql.jobs.renew(computeId, owner: owner, untilMs: leaseUntilMs),
            let compute = try sql.computes.get(computeId)
        else { return .leave }
        let next = try save(compute, sql)
        if next == .leave { try sql.jobs.release(computeId) }
        return next
    }

    private func save(_ compute: Compute, _ sql: any SQLConnection) throws -> Next {
        switch outcome {
        case .advance(let step):
            if step == .idle { try becomeRunning(compute, sql) }
            try sql.jobs.move(computeId, to: step, nowMs: nowMs)
            return .goOn
        case .wait(let milliseconds, let note):
            return try pause(compute, sql, milliseconds: milliseconds, note: note)
        case .retry(let note):
            try sql.jobs.countAttempt(computeId)
            return try pause(compute, sql, milliseconds: backoffMs, note: note)
        case .rest:
            // An intent that changed meanwhile wants the next step at once.
            let preempted = step.next(for: compute) != step
            try sql.jobs.schedule(computeId, dueAtMs: preempted ? nowMs : nil)
            return .leave
        case .fail(let failure):
            try fail(compute, failure, sql)
            return .goOn
        case .guestGone:
            try guestGone(compute, sql)
            return .goOn
        case .finish:
            try finish(compute, sql)
            return .leave
        }
    }

    private func pause(
        _ compute: Compute, _ sql: any SQLConnection, milliseconds: Int64, note: String?
    ) throws -> Next {
        if let deadlineMs = step.deadlineMs, let since = compute.task?.sinceMs, nowMs - since >= deadlineMs {
            try fail(
                compute,
                ComputeFailure(
                    .deadlineExceeded,
                    "The step '\(step.rawValue)' did not finish within \(deadlineMs / 1000) s"
                        + (note.map { ": \($0)" } ?? "") + ". Try again; if it persists, ask the operator."),
                sql)
            return .goOn
        }
        try sql.jobs.set(computeId, note: note)
        let preempted = step.next(for: compute) != step
        try sql.jobs.schedule(computeId, dueAtMs: preempted ? nowMs : nowMs + milliseconds)
        return .leave
    }

    private func becomeRunning(_ compute: Compute, _ sql: any SQLConnection) throws {
        guard compute.state == .creating else { return }
        try sql.computes.set(computeId, state: .running, intent: compute.intent, nowMs: nowMs)
        try append("compute.running", nil, compute, sql)
    }

    private func fail(_ compute: Compute, _ failure: ComputeFailure, _ sql: any SQLConnection) throws {
        try sql.jobs.move(computeId, to: .halt, nowMs: nowMs)
        // Whoever asked for the end gets it, and no reason is owed.
        guard compute.intent != .destroyed else { return }
        try sql.computes.set(computeId, state: .failed, intent: compute.intent, nowMs: nowMs)
        try sql.computes.set(computeId, failure: failure)
        try append("compute.failed", failure.message, compute, sql)
    }

    private func guestGone(_ compute: Compute, _ sql: any SQLConnection) throws {
        guard compute.state == .running else { return }
        let failure = ComputeFailure(
            .guestStopped, "The guest is no longer running: it powered itself off or crashed.")
        try sql.computes.set(computeId, state: .stopped, intent: .stopped, nowMs: nowMs)
        try sql.computes.set(computeId, failure: failure)
        try append("compute.stopped", failure.message, compute, sql)
    }

    /// Gives the addresses back, last of all, when nothing is left that could use them.
    private func finish(_ compute: Compute, _ sql: any SQLConnection) throws {
        try sql.computes.releaseAddresses(computeId)
        try sql.jobs.move(computeId, to: .done, nowMs: nowMs)
        guard compute.intent == .destroyed else {
            try sql.jobs.schedule(computeId, dueAtMs: nil)
            return
        }
        try sql.computes.set(computeId, state: .destroyed, intent: .destroyed, nowMs: nowMs)
        try sql.jobs.schedule(computeId, dueAtMs: nil)
        try sql.idempotencyKeys.expire(computeId: computeId, atMs: nowMs + Self.keyRetentionMs)
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

extension ComputeStep {
    /// The step that is due: this one, unless the owner wants the compute gone and the way there has not begun.
    func next(for compute: Compute) -> ComputeStep {
        guard compute.intent == .destroyed, compute.state == .destroying else { return self }
        return isRemoval && self != .done ? self : .halt
    }
}

import CloudCore
import CloudDatabase

extension AuditSnapshot {
    /// Whether the work on each resource of a kind fits what it shows, and goes on.
    func workFindings(of kind: ResourceKind, _ settings: AuditSettings) -> [AuditFinding] {
        switch kind {
        case .compute: computeFindings(settings)
        case .move: moves.compactMap { $0.stuckFinding(down: down, nowMs: nowMs) }
        case .snapshot: snapshotFindings
        case .image: imageFindings
        }
    }

    private func computeFindings(_ settings: AuditSettings) -> [AuditFinding] {
        withoutJob.map {
            AuditFinding(
                .oneJob, computeId: $0,
                "compute \($0) has no job: nothing will ever be done to it. Restore the row from a backup.")
        }
            + computes.compactMap { $0.compute.shapeFinding }
            + computes.filter { $0.waitsFor == nil }
            .compactMap { $0.stuckFinding(settings, nowMs: nowMs) }
            + waitInVain.map {
                AuditFinding(
                    .nothingIsStuck, computeId: $0,
                    "compute \($0) waits for something that is over, so nothing will ever be done to it. Restore its job's "
                        + "row from a backup.")
            }
    }

    /// Hosts that nothing can be expected of now.
    var down: Set<Int64> {
        Set(hosts.map(\.host).filter { $0.isDown(nowMs: nowMs) }.map(\.id))
    }
}

extension Compute {
    fileprivate var shapeFinding: AuditFinding? {
        guard !ComputeShape(state, intent, job.action, job.step).isPossible else { return nil }
        return AuditFinding(
            .stateFitsStep, computeId: id,
            "compute \(id) is \(state.rawValue), is meant to be \(intent.rawValue), and its job does "
                + "'\(job.action.rawValue)' at the step '\(job.step.rawValue)': these don't fit. Delete "
                + "it, or restore its rows from a backup.")
    }
}

extension Move {
    /// How long a step may last that has no other end, in milliseconds; and how long after its deadline a move may still
    /// be under way.
    private static let stepLimitMs: Int64 = 10 * 60_000

    fileprivate func stuckFinding(down: Set<Int64>, nowMs: Int64) -> AuditFinding? {
        guard nowMs - (step.mayBeCancelled ? deadlineMs : job.sinceMs) > Self.stepLimitMs,
            step.mayBeCancelled || !down.contains(host(step.side))
        else { return nil }
        return AuditFinding(
            .nothingIsStuck, computeId: computeId,
            "the move of compute \(computeId) stands at \(step.rawValue) for \((nowMs - job.sinceMs) / 1000) s"
                + "\(job.note.map { " (\($0))" } ?? ""). Look for it in the logs of both hosts.")
    }
}

extension AuditedCompute {
    /// A job that is due may wait so long for somebody to work on it, in milliseconds.
    static let leaseWaitMs: Int64 = 60_000
    /// The time limit of one try, the longest pause after it, and the lease of a worker that is gone, in milliseconds:
    /// so much later than its deadline may a step end.
    static let lateByMs: Int64 = 60_000 + 30_000 + 90_000

    fileprivate func stuckFinding(_ settings: AuditSettings, nowMs: Int64) -> AuditFinding? {
        let job = compute.job
        guard let why = stuck(job, settings, nowMs: nowMs) else { return nil }
        return AuditFinding(
            .nothingIsStuck, computeId: compute.id,
            "compute \(compute.id) (\(compute.state.rawValue)): \(why). Look for it in the log"
                + "\(job.note.map { " (\($0))" } ?? ""), and restart the server if it stays so.")
    }

    private func stuck(_ job: Job<ComputeAction>, _ settings: AuditSettings, nowMs: Int64) -> String? {
        let isLeased = leaseUntilMs.map { $0 > nowMs } ?? false
        let work = "its job, '\(job.action.rawValue)' at '\(job.step.rawValue)',"
        if !isLeased, let dueAtMs, nowMs - dueAtMs > Self.leaseWaitMs {
            return "\(work) is due for \((nowMs - dueAtMs) / 1000) s, and nobody works on it"
        }
        guard !job.action.rests || job.dueStep != job.step else { return nil }
        if !isLeased, dueAtMs == nil { return "\(work) is not done, and is never due" }
        // An action that has not been taken up yet stands at a step of another.
        let limitMs = job.action.limitMs(of: job.step, settings) + Self.lateByMs
        if nowMs - job.sinceMs > limitMs, job.step != .idle {
            return "\(work) has taken \((nowMs - job.sinceMs) / 1000) s and may take \(limitMs / 1000)"
        }
        // Every change of the row begins the time anew, so this comes late where somebody renames it, and never early.
        let wholeMs = job.action.steps.reduce(Self.lateByMs) { $0 + job.action.limitMs(of: $1, settings) }
        guard nowMs - compute.updatedAtMs > wholeMs else { return nil }
        return
            "\(work) goes on for \((nowMs - compute.updatedAtMs) / 1000) s and may take \(wholeMs / 1000) in all"
    }
}

extension ComputeAction {
    /// What a step takes at most that is repeated until it succeeds, in milliseconds. Nothing ends it then, but somebody
    /// should look why.
    private static let undatedMs: Int64 = 120_000

    /// How long a compute may stay in the step, in milliseconds.
    fileprivate func limitMs(of step: ComputeStep, _ settings: AuditSettings) -> Int64 {
        step == .stopping ? settings.stopGraceMs + Self.undatedMs : deadlineMs(of: step) ?? Self.undatedMs
    }
}

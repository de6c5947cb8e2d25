import CloudCore
import CloudDatabase

extension AuditSnapshot {
    /// Whether the work on each compute fits what it shows, and goes on.
    func jobFindings(_ settings: AuditSettings) -> [AuditFinding] {
        withoutJob.map {
            AuditFinding(
                .oneJob, computeId: $0,
                "compute \($0) has no job: nothing will ever be done to it. Restore the row from a backup.")
        }
            + computes.compactMap { $0.compute.shapeFinding }
            + computes.filter { !heldByMoves.contains($0.compute.id) }
            .compactMap { $0.stuckFinding(settings, nowMs: nowMs) }
            + moves.compactMap { $0.stuckFinding(down: down, nowMs: nowMs) }
    }

    /// Computes whose jobs wait for their moves.
    private var heldByMoves: Set<Int64> { Set(moves.filter(\.phase.holdsJob).map(\.computeId)) }

    /// Hosts that nothing can be expected of now.
    private var down: Set<Int64> {
        Set(hosts.map(\.host).filter { $0.isDown(nowMs: nowMs) }.map(\.id))
    }
}

extension Compute {
    fileprivate var shapeFinding: AuditFinding? {
        guard let task, !ComputeShape(state, intent, task.action, task.step).isPossible else { return nil }
        return AuditFinding(
            .stateFitsStep, computeId: id,
            "compute \(id) is \(state.rawValue), is meant to be \(intent.rawValue), and its job does "
                + "'\(task.action?.rawValue ?? "nothing")' at the step '\(task.step.rawValue)': these don't fit. Delete "
                + "it, or restore its rows from a backup.")
    }
}

extension Move {
    /// How long a phase may last that has no other end, in milliseconds; and how long after its deadline a move may still
    /// be under way.
    private static let phaseLimitMs: Int64 = 10 * 60_000

    fileprivate func stuckFinding(down: Set<Int64>, nowMs: Int64) -> AuditFinding? {
        guard nowMs - (phase.mayBeCancelled ? deadlineMs : sinceMs) > Self.phaseLimitMs,
            phase.mayBeCancelled || !phase.actors.contains(where: { down.contains(host($0)) })
        else { return nil }
        return AuditFinding(
            .nothingIsStuck, computeId: computeId,
            "the move of compute \(computeId) stands at \(phase.rawValue) for \((nowMs - sinceMs) / 1000) s"
                + "\(progress.map { " (\($0))" } ?? ""). Look for it in the logs of both hosts.")
    }
}

extension AuditedCompute {
    /// A job that is due may wait so long for somebody to work on it, in milliseconds.
    static let leaseWaitMs: Int64 = 60_000
    /// The time limit of one try, the longest pause after it, and the lease of a worker that is gone, in milliseconds:
    /// so much later than its deadline may a step end.
    static let lateByMs: Int64 = 60_000 + 30_000 + 90_000

    fileprivate func stuckFinding(_ settings: AuditSettings, nowMs: Int64) -> AuditFinding? {
        guard let task = compute.task, let why = stuck(task, settings, nowMs: nowMs) else { return nil }
        return AuditFinding(
            .nothingIsStuck, computeId: compute.id,
            "compute \(compute.id) (\(compute.state.rawValue)): \(why). Look for it in the log"
                + "\(task.note.map { " (\($0))" } ?? ""), and restart the server if it stays so.")
    }

    private func stuck(_ task: ComputeTask, _ settings: AuditSettings, nowMs: Int64) -> String? {
        let isLeased = leaseUntilMs.map { $0 > nowMs } ?? false
        let work = "its job, '\(task.action?.rawValue ?? "cleaning up")' at '\(task.step.rawValue)',"
        if !isLeased, let dueAtMs, nowMs - dueAtMs > Self.leaseWaitMs {
            return "\(work) is due for \((nowMs - dueAtMs) / 1000) s, and nobody works on it"
        }
        guard task.action != nil || (task.step != .idle && task.step != .done) else { return nil }
        if !isLeased, dueAtMs == nil { return "\(work) is not done, and is never due" }
        let limitMs = task.step.limitMs(settings) + Self.lateByMs
        if nowMs - task.sinceMs > limitMs, task.step != .idle {
            return "\(work) has taken \((nowMs - task.sinceMs) / 1000) s and may take \(limitMs / 1000)"
        }
        // Every change of the row begins the time anew, so this comes late where somebody renames it, and never early.
        let wholeMs = (task.action?.steps ?? ComputeAction.delete.steps).reduce(Self.lateByMs) {
            $0 + $1.limitMs(settings)
        }
        guard nowMs - compute.updatedAtMs > wholeMs else { return nil }
        return
            "\(work) goes on for \((nowMs - compute.updatedAtMs) / 1000) s and may take \(wholeMs / 1000) in all"
    }
}

extension ComputeStep {
    /// What a step takes at most that is repeated until it succeeds, in milliseconds. Nothing ends it then, but somebody
    /// should look why.
    private static let undatedMs: Int64 = 120_000

    /// How long a compute may stay in the step, in milliseconds.
    fileprivate func limitMs(_ settings: AuditSettings) -> Int64 {
        switch self {
        case .stopping: settings.stopGraceMs + Self.undatedMs
        case .image, .disk, .seed, .network, .boot, .confirm, .idle, .shutdown, .unplug, .resize, .halt,
            .detach,
            .erase, .release, .done:
            deadlineMs ?? Self.undatedMs
        }
    }
}

import CloudCore
import CloudDatabase
import Logging
import ServiceLifecycle

/// Works on leased jobs of one kind.
protocol JobRunning: Sendable {
    /// Runs the steps of one leased job until it waits, rests or ends, or a shutdown begins: the lease is then freed at
    /// the next start.
    func work(_ id: Int64) async
}

/// What all runners of a worker share.
struct RunnerTools: Sendable {
    let database: any Database
    let clock: any CloudClock
    let wake: Wake
    let claim: HostClaim
    /// Names the worker in leases; new at each start.
    let owner: String
    let metrics: WorkerMetrics
    let logger: Logger
    /// 0 ..< 1, to spread retries.
    let jitter: @Sendable () -> Double
    /// Jobs whose last outcome could not be saved.
    let unsaved = UnsavedJobs()

    private static let backoffBaseMs: Int64 = 250
    private static let backoffCapMs: Int64 = 30_000

    /// Doubles with each attempt up to a cap; up to half of it is random.
    func backoffMs(attempts: Int) -> Int64 {
        let full = min(Self.backoffCapMs, Self.backoffBaseMs << Int64(min(attempts, 10)))
        return full / 2 + Int64(Double(full / 2) * jitter())
    }
}

/// Runs the steps of leased jobs, one after the other, and saves what comes of them.
struct JobRunner<Kind: Workflow>: JobRunning {
    let workflow: Kind
    let tools: RunnerTools

    private typealias Walk = StepWalk<Kind.Subject>
    private typealias Outcome = StepOutcome<Kind.News>

    func work(_ id: Int64) async {
        do {
            var next = NextTurn.goOn
            while next == .goOn, !Task.isShuttingDownGracefully { next = try await runSteps(id) }
        } catch {
            tools.unsaved.insert(id)
            guard tools.claim.loss == nil else { return tools.wake.signal() }
            tools.logger.error(
                "A step could not be saved; it is done again.",
                metadata: ["\(Kind.kind.rawValue)": "\(id)", "error": "\(error)"])
        }
    }

    /// Runs the step that is due, and those after it that begin unsaved, and saves what came of them.
    private func runSteps(_ id: Int64) async throws -> NextTurn {
        let (held, found) = try await tools.database.glance { [tools, workflow] sql in
            try tools.claim.check(sql)
            return (try sql.jobs.heldUntilMs(id, owner: tools.owner), try workflow.find(id, sql))
        }
        guard let heldUntilMs = held else { return .leave }
        guard let subject = found else {
            throw CloudError.bug("a job without its \(Kind.kind.rawValue) \(id)")
        }
        var walk = Walk(subject)
        guard subject.job.dueStep == walk.step else { return try await save(walk, .superseded) }
        // What was read may be long ago: the program can have been suspended since. A step begins only if it can end
        // before anybody else may lease the job; else the job is given back.
        guard canEnd(before: heldUntilMs) else {
            tools.unsaved.insert(id)
            return .leave
        }
        defer { workflow.left(walk.steps, subject) }
        var outcome = await decide(walk)
        while outcome.isDone, let next = walk.next, next.beginsUnsaved, canEnd(before: heldUntilMs),
            !Task.isShuttingDownGracefully
        {
            walk.goOn(to: next, nowMs: tools.clock.nowMs)
            outcome = await decide(walk)
        }
        return try await save(walk, outcome)
    }

    /// Whether a step that begins now ends before that, however long it takes.
    private func canEnd(before timeMs: Int64) -> Bool {
        timeMs - tools.clock.nowMs >= Int64(Worker.stepTimeout / .milliseconds(1))
    }

    private func save(_ walk: Walk, _ outcome: Outcome) async throws -> NextTurn {
        let now = tools.clock.nowMs
        let save = SaveOutcome(
            workflow: workflow, claim: tools.claim, walk: walk, outcome: outcome, owner: tools.owner,
            nowMs: now,
            leaseUntilMs: now + Worker.leaseMs, backoffMs: tools.backoffMs(attempts: walk.attempts))
        let next = try await tools.database.write(Kind.write(of: walk.step)) { sql in try save.run(sql) }
        log(walk, outcome, nowMs: now)
        if outcome.isDone, walk.next == nil { workflow.completed(walk.subject, nowMs: now) }
        return next
    }

    /// Tells how long each step took that has ended, waits and failed attempts included.
    private func log(_ walk: Walk, _ outcome: Outcome, nowMs: Int64) {
        let ends = walk.begins.dropFirst().map { $0.ms } + (outcome.isDone ? [nowMs] : [])
        for (begin, endMs) in zip(walk.begins, ends) {
            tools.logger.info(
                "step done",
                metadata: walk.subject.label.merging([
                    "step": "\(begin.step.rawValue)", "ms": "\(endMs - begin.ms)",
                ]) { first, _ in first })
        }
    }

    /// What the walk's last step decides.
    private func decide(_ walk: Walk) async -> Outcome {
        let start = ContinuousClock.now
        let outcome = await attempt(walk)
        tools.metrics.ran(walk.step.rawValue, outcome.name, after: ContinuousClock.now - start)
        return outcome
    }

    private func attempt(_ walk: Walk) async -> Outcome {
        do {
            return try await withTimeout(
                Worker.stepTimeout, by: tools.clock,
                late: .late("The step '\(walk.step.rawValue)'", after: Worker.stepTimeout)
            ) {
                try await workflow.run(walk.step, walk.subject, nowMs: tools.clock.nowMs)
            }
        } catch {
            tools.logger.warning(
                "A step failed; it is tried again.",
                metadata: walk.subject.label.merging([
                    "step": "\(walk.step.rawValue)", "error": "\(error)",
                ]) { first, _ in first })
            let known = error as? CloudError
            return .retry(
                note: known?.message ?? "an unexpected error of the host",
                detail: known.map(\.detail) ?? "\(error)")
        }
    }
}

import CloudCore
import CloudDatabase
import CloudMachines
import Logging
import ServiceLifecycle

/// Runs the steps of leased jobs, one after the other, and saves what comes of them.
struct JobRunner: Sendable {
    let database: any Database
    let clock: any CloudClock
    let wake: Wake
    let claim: HostClaim
    let workflow: ComputeWorkflow
    /// Ports that lead to guests; `nil` where guests have a network of their own.
    let sshPorts: ClosedRange<Int>?
    /// Names the worker in leases; new at each start.
    let owner: String
    let metrics: WorkerMetrics
    let logger: Logger
    /// 0 ..< 1, to spread retries.
    let jitter: @Sendable () -> Double
    /// Jobs whose last outcome could not be saved.
    let unsaved = UnsavedJobs()
    let boots = Boots()

    static let backoffBaseMs: Int64 = 250
    static let backoffCapMs: Int64 = 30_000

    /// Runs the steps of one leased job until it waits, rests or ends, or a shutdown begins: the lease is then freed at
    /// the next start.
    func work(_ id: Int64) async {
        do {
            var next = SaveOutcome.Next.goOn
            while next == .goOn, !Task.isShuttingDownGracefully { next = try await runSteps(id) }
        } catch {
            unsaved.insert(id)
            guard claim.loss == nil else { return wake.signal() }
            logger.error(
                "A step could not be saved; it is done again.",
                metadata: ["compute": "\(id)", "error": "\(error)"])
        }
    }

    /// Runs the step that is due, and those after it that begin unsaved, and saves what came of them.
    private func runSteps(_ id: Int64) async throws -> SaveOutcome.Next {
        let (held, found) = try await database.glance { sql in
            try claim.check(sql)
            return (try sql.jobs.heldUntilMs(id, owner: owner), try sql.computes.get(id))
        }
        guard let heldUntilMs = held else { return .leave }
        guard let compute = found, let task = compute.task else {
            throw CloudError.bug("job without compute \(id)")
        }
        var walk = StepWalk(compute, task)
        let due = compute.dueStep(at: task.step)
        guard due == task.step else { return try await save(walk, .advance(due)) }
        // What was read may be long ago: the program can have been suspended since. A step begins only if it can end
        // before anybody else may lease the job; else the job is given back.
        guard canEnd(before: heldUntilMs) else {
            unsaved.insert(id)
            return .leave
        }
        defer { if walk.steps.contains(.boot) { boots.end() } }
        var outcome = try await outcome(of: walk)
        while case .advance(let next) = outcome, next.beginsUnsaved, canEnd(before: heldUntilMs),
            !Task.isShuttingDownGracefully
        {
            walk.goOn(to: next, nowMs: clock.nowMs)
            outcome = try await self.outcome(of: walk)
        }
        return try await save(walk, outcome)
    }

    /// Whether a step that begins now ends before that, however long it takes.
    private func canEnd(before timeMs: Int64) -> Bool {
        timeMs - clock.nowMs >= Int64(Worker.stepTimeout / .milliseconds(1))
    }

    /// What the walk's last step decides. A boot counts from here on.
    private func outcome(of walk: StepWalk) async throws -> StepOutcome {
        guard walk.step == .boot else { return await decide(walk.step, walk.compute, booting: 0) }
        // Counted before the database is asked, and until the outcome is in it: so each boot is seen in one of them.
        let others = boots.begin()
        let booted = try await database.glance { sql in
            try sql.jobs.count(step: .confirm, hostId: try claim.check(sql))
        }
        return await decide(walk.step, walk.compute, booting: others + booted)
    }

    private func save(_ walk: StepWalk, _ outcome: StepOutcome) async throws -> SaveOutcome.Next {
        let now = clock.nowMs
        let save = SaveOutcome(
            claim: claim, computeId: walk.compute.id, image: walk.compute.image, steps: walk.steps,
            outcome: outcome, owner: owner, nowMs: now, leaseUntilMs: now + Worker.leaseMs,
            backoffMs: backoffMs(attempts: walk.attempts), sshPorts: sshPorts)
        let next = try await database.write(.outcome(of: walk.step)) { sql in try save.run(sql) }
        log(walk, outcome, nowMs: now)
        if outcome == .advance(.idle), walk.compute.state == .creating, walk.compute.intent == .running {
            metrics.created(after: now - walk.compute.createdAtMs)
        }
        return next
    }

    /// Tells how long each step took that has ended, waits and failed attempts included.
    private func log(_ walk: StepWalk, _ outcome: StepOutcome, nowMs: Int64) {
        let ends = walk.begins.dropFirst().map(\.ms) + (outcome.endsStep ? [nowMs] : [])
        for (begin, endMs) in zip(walk.begins, ends) {
            logger.info(
                "step done",
                metadata: [
                    "compute": "\(walk.compute.id)", "team": "\(walk.compute.teamId)",
                    "step": "\(begin.step.rawValue)", "ms": "\(endMs - begin.ms)",
                ])
        }
    }

    private func decide(_ step: ComputeStep, _ compute: Compute, booting: Int) async -> StepOutcome {
        let start = ContinuousClock.now
        let outcome = await attempt(step, compute, booting)
        metrics.ran(step, outcome, after: ContinuousClock.now - start)
        return outcome
    }

    private func attempt(_ step: ComputeStep, _ compute: Compute, _ booting: Int) async -> StepOutcome {
        do {
            return try await withTimeout(
                Worker.stepTimeout, by: clock,
                late: .late("The step '\(step.rawValue)'", after: Worker.stepTimeout)
            ) {
                try await workflow.run(step, compute, booting: booting, nowMs: clock.nowMs)
            }
        } catch {
            logger.warning(
                "A step failed; it is tried again.",
                metadata: [
                    "compute": "\(compute.id)", "team": "\(compute.teamId)", "step": "\(step.rawValue)",
                    "error": "\(error)",
                ])
            let known = error as? CloudError
            return .retry(
                note: known?.message ?? "an unexpected error of the host",
                detail: known.map(\.detail) ?? "\(error)")
        }
    }

    /// Doubles with each attempt up to a cap; up to half of it is random.
    private func backoffMs(attempts: Int) -> Int64 {
        let full = min(Self.backoffCapMs, Self.backoffBaseMs << Int64(min(attempts, 10)))
        return full / 2 + Int64(Double(full / 2) * jitter())
    }
}

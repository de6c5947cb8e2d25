import CloudCore
import CloudDatabase
import CloudMachines
import Logging
import ServiceLifecycle

/// Makes machines follow the database: leases due jobs, runs one step after the other, saves each outcome.
public struct Worker: Service {
    private let database: any Database
    private let clock: any CloudClock
    private let wake: Wake
    private let workflow: ComputeWorkflow
    private let logger: Logger
    /// Names this worker in leases; new at each start.
    private let owner: String
    private let slots: Slots
    /// 0 ..< 1, to spread retries.
    private let jitter: @Sendable () -> Double

    /// Jobs that are worked on at once.
    static let maxJobs = 32
    static let leaseMs: Int64 = 90_000
    /// A step that takes longer is cancelled and tried again; well under the lease, so that it never acts without one.
    static let stepTimeout = Duration.seconds(60)
    /// The safety net under the wake.
    static let pollLimit = Duration.seconds(1)
    static let backoffBaseMs: Int64 = 250
    static let backoffCapMs: Int64 = 30_000

    public init(
        database: any Database, host: any MachineHost, catalogue: Catalogue, clock: any CloudClock,
        wake: Wake,
        bootSlots: Int, owner: String, logger: Logger,
        jitter: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) }
    ) {
        self.database = database
        self.clock = clock
        self.wake = wake
        self.logger = logger
        self.owner = owner
        self.jitter = jitter
        slots = Slots(count: Self.maxJobs, wake: wake)
        workflow = ComputeWorkflow(
            host: host, catalogue: catalogue, network: NetworkApplier(database: database, host: host),
            bootSlots: bootSlots)
    }

    /// Works until a graceful shutdown, and then finishes the steps under way.
    public func run() async throws {
        try await start()
        await withGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                while !Task.isCancelled, !Task.isShuttingDownGracefully {
                    await leaseAndStart(in: &group)
                    await wake.wait(atMost: await pause())
                }
            }
        } onGracefulShutdown: {
            wake.signal()
        }
    }

    /// Frees the leases of this host's earlier worker, which is dead, and puts the network right.
    func start() async throws {
        try await database.write { sql in try sql.jobs.releaseAll() }
        do {
            try await workflow.network.apply()
        } catch {
            logger.error(
                "The network could not be set up; it is tried again with the next compute.",
                metadata: ["error": "\(error)"])
        }
    }

    /// Runs what is due now until nothing is, one job at a time. For tests and simulations with a clock of their own.
    public func runDueJobs() async throws {
        while let id = try await lease(limit: 1).first { await work(id) }
    }

    private func leaseAndStart(in group: inout DiscardingTaskGroup) async {
        let free = slots.free
        guard free > 0 else { return }
        do {
            for id in try await lease(limit: free) {
                slots.take()
                group.addTask {
                    await work(id)
                    slots.give()
                }
            }
        } catch {
            logger.error("Jobs could not be leased; trying again.", metadata: ["error": "\(error)"])
        }
    }

    private func lease(limit: Int) async throws -> [Int64] {
        let now = clock.nowMs
        return try await database.write { sql in
            try sql.jobs.lease(owner: owner, limit: limit, nowMs: now, untilMs: now + Self.leaseMs)
        }
    }

    /// How long to wait for a wake.
    private func pause() async -> Duration {
        guard slots.free > 0, let due = try? await database.read({ sql in try sql.jobs.nextDueMs() })  // else: poll
        else { return Self.pollLimit }
        return min(Self.pollLimit, .milliseconds(max(0, due - clock.nowMs)))
    }

    /// Runs the steps of one leased job until it waits, rests or ends.
    private func work(_ id: Int64) async {
        do {
            var next = SaveOutcome.Next.goOn
            while next == .goOn { next = try await runStep(id) }
        } catch {
            // The lease runs out, and the step is then done again: it looks before it acts.
            logger.error(
                "A step could not be saved; it is done again when its lease runs out.",
                metadata: ["compute": "\(id)", "error": "\(error)"])
        }
    }

    private func runStep(_ id: Int64) async throws -> SaveOutcome.Next {
        let (found, booting) = try await database.read { sql in
            (try sql.computes.get(id), try sql.jobs.count(step: .confirm))
        }
        guard let compute = found, let task = compute.task else {
            throw CloudError.bug("job without compute \(id)")
        }
        let step = task.step.next(for: compute)
        let outcome = step == task.step ? await decide(step, compute, booting) : .advance(step)
        let now = clock.nowMs
        let save = SaveOutcome(
            computeId: id, step: task.step, outcome: outcome, owner: owner, nowMs: now,
            leaseUntilMs: now + Self.leaseMs, backoffMs: backoffMs(attempts: task.attempts))
        let next = try await database.write { sql in try save.run(sql) }
        if outcome.endsStep { log(compute, task) }
        return next
    }

    /// Tells how long a step took, waits and failed attempts included.
    private func log(_ compute: Compute, _ task: ComputeTask) {
        logger.info(
            "step done",
            metadata: [
                "compute": "\(compute.id)", "team": "\(compute.teamId)", "step": "\(task.step.rawValue)",
                "ms": "\(clock.nowMs - task.sinceMs)",
            ])
    }

    private func decide(_ step: ComputeStep, _ compute: Compute, _ booting: Int) async -> StepOutcome {
        do {
            return try await withTimeout(Self.stepTimeout, "The step '\(step.rawValue)'") {
                try await workflow.run(step, compute, booting: booting)
            }
        } catch {
            logger.warning(
                "A step failed; it is tried again.",
                metadata: [
                    "compute": "\(compute.id)", "team": "\(compute.teamId)", "step": "\(step.rawValue)",
                    "error": "\(error)",
                ])
            return .retry(note: (error as? CloudError)?.message ?? "an unexpected error of the host")
        }
    }

    /// Doubles with each attempt up to a cap; up to half of it is random.
    private func backoffMs(attempts: Int) -> Int64 {
        let full = min(Self.backoffCapMs, Self.backoffBaseMs << Int64(min(attempts, 10)))
        return full / 2 + Int64(Double(full / 2) * jitter())
    }
}

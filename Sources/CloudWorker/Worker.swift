import CloudCore
import CloudDatabase
import CloudMachines
import Logging
import ServiceLifecycle

/// Makes machines follow the database: leases due jobs, and lets the `JobRunner` of each kind run their steps.
public struct Worker: Service {
    private let database: any Database
    private let clock: any CloudClock
    private let wake: Wake
    private let host: any MachineHost
    private let claim: HostClaim
    private let tools: RunnerTools
    private let computes: JobRunner<ComputeWorkflow>
    private let moves: JobRunner<MoveWorkflow>
    private let snapshots: JobRunner<SnapshotWorkflow>
    private let images: JobRunner<ImageWorkflow>
    /// The owner of the host's network, for whoever else works on it.
    public let network: NetworkApplier
    private let logger: Logger
    /// Names this worker in leases; new at each start.
    private let owner: String
    /// Registers the host, for a worker whose program could not: the database could not be written then.
    private let register: @Sendable () async throws -> Void
    private let underWay: JobsUnderWay

    /// Jobs that are worked on at once.
    static let maxJobs = 32
    static let leaseMs: Int64 = 90_000
    /// A step that takes longer is cancelled and tried again; well under the lease. One that does not heed that keeps
    /// its place in `underWay`, so nobody starts the job beside it.
    static let stepTimeout = Duration.seconds(60)
    /// The safety net under the wake.
    static let pollLimit = Duration.seconds(1)
    /// Until a job is worked on again whose outcome could not be saved.
    static let unsavedPauseMs: Int64 = 1000

    /// - Parameters:
    ///   - claim: the ownership of the host, which `RegisterHost` makes before the worker runs.
    ///   - sshPorts: those that lead to guests; `nil` where guests have a network of their own.
    ///   - isBilled: whether anything costs.
    public init(
        database: any Database, host: any MachineHost, claim: HostClaim, catalogue: Catalogue,
        clock: any CloudClock,
        wake: Wake, bootSlots: Int, stopGrace: Duration, sshPorts: ClosedRange<Int>? = nil,
        isBilled: Bool = false, owner: String,
        register: @escaping @Sendable () async throws -> Void = {},
        metrics: WorkerMetrics = WorkerMetrics(), logger: Logger,
        jitter: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) }
    ) {
        self.database = database
        self.clock = clock
        self.wake = wake
        self.logger = logger
        self.owner = owner
        self.register = register
        underWay = JobsUnderWay(limit: Self.maxJobs, wake: wake)
        self.host = host
        self.claim = claim
        network = NetworkApplier(database: database, host: host, claim: claim, clock: clock)
        tools = RunnerTools(
            database: database, clock: clock, wake: wake, claim: claim, owner: owner, metrics: metrics,
            logger: logger, jitter: jitter)
        let snapshots = FindSnapshot(database: database)
        let images = FindImage(database: database, catalogue: catalogue)
        let slots = BootSlots(bootSlots, database: database, claim: claim)
        computes = JobRunner(
            workflow: ComputeWorkflow(
                host: host, images: images, network: network, slots: slots, snapshots: snapshots,
                stopGraceMs: Int64(stopGrace / .milliseconds(1)), sshPorts: sshPorts, metrics: metrics),
            tools: tools)
        moves = JobRunner(
            workflow: MoveWorkflow(
                host: host, network: network, images: images, clock: clock, logger: logger),
            tools: tools)
        self.snapshots = JobRunner(
            workflow: SnapshotWorkflow(host: host, catalogue: catalogue, isBilled: isBilled), tools: tools)
        self.images = JobRunner(
            workflow: ImageWorkflow(host: host, catalogue: catalogue, isBilled: isBilled), tools: tools)
    }

    /// What works on the jobs of a kind.
    private func runner(of kind: ResourceKind) -> any JobRunning {
        switch kind {
        case .compute: computes
        case .move: moves
        case .snapshot: snapshots
        case .image: images
        }
    }

    /// Works until a graceful shutdown, and then finishes the steps under way. When the host is another worker's by now, it
    /// cancels them and throws.
    public func run() async throws {
        await withGracefulShutdownHandler {
            while mayGoOn, await !hasStarted(), mayGoOn {
                await wake.wait(atMost: Self.pollLimit, by: clock)
            }
            await withDiscardingTaskGroup { group in
                while mayGoOn {
                    let leased = await leaseAndStart(in: &group)
                    guard mayGoOn else { break }
                    await wake.wait(atMost: leased ? await pause() : Self.pollLimit, by: clock)
                }
                if claim.loss != nil { group.cancelAll() }
            }
        } onGracefulShutdown: {
            wake.signal()
        }
        if let loss = claim.loss { throw loss }
    }

    private var mayGoOn: Bool {
        !Task.isCancelled && !Task.isShuttingDownGracefully && claim.loss == nil
    }

    /// Whether the work could begin; a database that can't be written is no reason to end the server.
    private func hasStarted() async -> Bool {
        do {
            try await start()
            return true
        } catch {
            guard claim.loss == nil else { return false }
            logger.error("The work can't begin; trying again.", metadata: ["error": "\(error)"])
            return false
        }
    }

    /// Takes over from this host's earlier worker, which is dead, and puts the network right. What has become another
    /// host's meanwhile ends before anything else.
    func start() async throws {
        if claim.isToCome { try await register() }
        try await VacateHost(database: database, host: host, claim: claim, clock: clock, logger: logger).run()
        let adopt = AdoptHost(claim: claim, bootId: try await host.bootId(), nowMs: clock.nowMs)
        let started = try await database.write(.adoptHost) { sql in try adopt.run(sql) }
        if let started {
            logger.notice("The host was rebooted.", metadata: ["startingAgain": "\(started)"])
        }
        do {
            try await network.apply()
        } catch {
            logger.error(
                "The network could not be set up; it is tried again within seconds.",
                metadata: ["error": "\(error)"])
        }
    }

    /// Runs what is due now until nothing is, one job at a time. For tests and simulations with a clock of their own.
    public func runDueJobs() async throws {
        while try await runNextJob() {}
    }

    /// Works on one job that is due. False when there is none.
    func runNextJob() async throws -> Bool {
        try await abandonUnsaved()
        guard let job = try await lease(limit: 1).first else { return false }
        await work(job)
        try await abandonUnsaved()
        return true
    }

    private func work(_ job: LeasedJob) async { await runner(of: job.kind).work(job.id) }

    /// Whether the database could be asked; if not, a pause is due, since the jobs are still due.
    private func leaseAndStart(in group: inout DiscardingTaskGroup) async -> Bool {
        let free = underWay.free
        guard free > 0 else { return true }
        do {
            try await abandonUnsaved()
            for job in try await lease(limit: free) where underWay.begin(job) {
                group.addTask {
                    var next: LeasedJob? = job
                    while let job = next {
                        await work(job)
                        next = underWay.end(job)
                    }
                }
            }
            return true
        } catch {
            guard claim.loss == nil else { return false }
            logger.error("Jobs could not be leased; trying again.", metadata: ["error": "\(error)"])
            return false
        }
    }

    /// Makes the jobs due again whose outcomes could not be saved: a step looks before it acts.
    private func abandonUnsaved() async throws {
        let ids = tools.unsaved.all
        guard !ids.isEmpty else { return }
        let due = clock.nowMs + Self.unsavedPauseMs
        try await database.write(.giveBack) { sql in
            try claim.check(sql)
            for id in ids { try sql.jobs.abandon(id, owner: owner, dueAtMs: due) }
        }
        tools.unsaved.remove(ids)
    }

    private func lease(limit: Int) async throws -> [LeasedJob] {
        let now = clock.nowMs
        return try await database.write(.lease) { sql in
            try sql.jobs.lease(
                owner: owner, hostId: try claim.check(sql), limit: limit, nowMs: now,
                untilMs: now + Self.leaseMs)
        }
    }

    /// How long to wait for a wake.
    private func pause() async -> Duration {
        let next = { @Sendable (sql: any SQLConnection) -> Int64? in
            try sql.jobs.nextDueMs(hostId: try claim.check(sql))
        }
        guard underWay.free > 0, let due = try? await database.glance(next)  // else: poll
        else { return Self.pollLimit }
        return min(Self.pollLimit, .milliseconds(max(0, due - clock.nowMs)))
    }
}

import CloudCore
import CloudDatabase
import CloudMachines
import Logging
import ServiceLifecycle

/// Looks at every machine that should run, all in one go, and makes the jobs of those due that do not. Every few seconds
/// it also looks for drift: what somebody did by hand to the network or to machines' files, and orphans. All of it on the
/// worker's own host.
public struct Supervisor: Service {
    private let database: any Database
    private let host: any MachineHost
    private let claim: HostClaim
    private let duty: CellDuty
    private let clock: any CloudClock
    private let wake: Wake
    private let network: NetworkApplier
    private let drift: DriftWatch
    private let logger: Logger

    static let interval = Duration.seconds(2)
    /// Machines that are looked at together, and the longest that one look takes: some hang.
    static let maxLooks = 32
    static let lookTimeout = Duration.seconds(5)
    /// Idempotency keys that are forgotten in one transaction, which others wait for.
    static let maxForgotten = 1000

    /// - Parameters:
    ///   - claim: the worker's, as is the network.
    ///   - duty: who has it forgets idempotency keys too.
    ///   - orphanGrace: how long a machine without a compute is left alone.
    public init(
        database: any Database, host: any MachineHost, claim: HostClaim, duty: CellDuty,
        network: NetworkApplier, clock: any CloudClock, wake: Wake,
        orphanGrace: Duration = .seconds(600), metrics: WorkerMetrics = WorkerMetrics(), logger: Logger
    ) {
        self.database = database
        self.host = host
        self.claim = claim
        self.duty = duty
        self.network = network
        self.clock = clock
        self.wake = wake
        self.logger = logger
        drift = DriftWatch(
            database: database, host: host, claim: claim, network: network, clock: clock,
            orphans: OrphanWatch(
                database: database, host: host, claim: claim, clock: clock,
                graceMs: Int64(orphanGrace / .milliseconds(1)),
                metrics: metrics, logger: logger),
            metrics: metrics, logger: logger)
    }

    /// Throws when the host is not the worker's own any more.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled, claim.loss == nil {
                do {
                    try await look()
                } catch {
                    guard !Task.isCancelled, claim.loss == nil else { break }
                    logger.error(
                        "The machines could not be looked at; trying again.", metadata: ["error": "\(error)"])
                }
                try? await clock.sleep(for: Self.interval)  // throws when cancelled, and the loop ends
            }
        }
        if let loss = claim.loss { throw loss }
    }

    /// One look at everything. Also forgets idempotency keys whose time is over.
    public func look() async throws {
        let now = clock.nowMs
        try await network.followTeammates()
        let (idle, expired) = try await database.read { sql in
            (
                try sql.computes.list(steps: [.idle], hostId: try claim.check(sql)),
                try sql.idempotencyKeys.hasExpired(nowMs: now)
            )
        }
        let gone = await gone(idle.filter { $0.intent == .running }.map(\.id))
        let due = Set(gone).union(await drift.look(at: idle)).sorted()
        let forgets = expired ? try await duty.isMine() : false
        guard forgets || !due.isEmpty else { return }
        try await database.write(.supervise) { sql in
            try claim.check(sql)
            for id in due { try sql.jobs.schedule(id, dueAtMs: now) }
            if forgets { _ = try sql.idempotencyKeys.removeExpired(nowMs: now, limit: Self.maxForgotten) }
        }
        if !due.isEmpty { wake.signal() }
    }

    /// Those of the machines that do not run. One that can't be looked at is taken to run, and the others are looked
    /// at all the same.
    private func gone(_ ids: [Int64]) async -> [Int64] {
        var rest = ids[...]
        var gone: [Int64] = []
        var faults: [Int64: any Error] = [:]
        await withTaskGroup(of: (Int64, Result<MachineStatus, any Error>).self) { group in
            for id in rest.prefix(Self.maxLooks) { group.addTask { (id, await status(id)) } }
            rest = rest.dropFirst(Self.maxLooks)
            for await (id, status) in group {
                switch status {
                case .success(.absent), .success(.poweredOff): gone.append(id)
                case .success(.running), .success(.arriving), .success(.departed): break
                case .failure(let error): faults[id] = error
                }
                if let next = rest.popFirst() { group.addTask { (next, await self.status(next)) } }
            }
        }
        if let (id, error) = faults.min(by: { $0.key < $1.key }), !Task.isCancelled {
            logger.warning(
                "Machines could not be looked at; trying again.",
                metadata: ["machines": "\(faults.count)", "first": "\(id)", "error": "\(error)"])
        }
        return gone
    }

    private func status(_ id: Int64) async -> Result<MachineStatus, any Error> {
        do {
            let host = host
            return .success(
                try await withTimeout(
                    Self.lookTimeout, by: clock,
                    late: .late("Looking at machine \(id)", after: Self.lookTimeout)
                ) {
                    try await host.status(id)
                })
        } catch {
            return .failure(error)
        }
    }
}

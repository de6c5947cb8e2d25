import CloudCore
import CloudDatabase
import CloudMachines
import CloudVerbs
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
    private let metrics: WorkerMetrics
    private let logger: Logger

    static let interval = Duration.seconds(2)
    /// Machines that are looked at one after the other under one time limit, since a timer costs more than a look, and how
    /// many such batches are looked at together. Some machines hang.
    static let batch = 8
    static let maxBatches = 8
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
        self.metrics = metrics
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
        let (running, expired, late): ([Int64: FailureCode?], Bool, Bool) = try await database.glance { sql in
            let hostId = try claim.check(sql)
            return (
                try sql.computes.meantToRun(hostId: hostId), try sql.idempotencyKeys.hasExpired(nowMs: now),
                try sql.moves.list(hostId: hostId).contains { $0.lateReason(nowMs: now) != nil }
            )
        }
        let due = Set(await gone(running)).union(await drift.look()).sorted()
        let forgets = expired ? try await duty.isMine() : false
        guard forgets || late || !due.isEmpty else { return }
        try await database.write(.supervise) { sql in
            let hostId = try claim.check(sql)
            for move in try sql.moves.list(hostId: hostId) {
                guard let reason = move.lateReason(nowMs: now) else { continue }
                try sql.moveVerbs.callOff(
                    move, because: reason, first: move.side(of: hostId) ?? .source, nowMs: now)
            }
            for id in due { try sql.jobs.schedule(id, dueAtMs: now) }
            if forgets { _ = try sql.idempotencyKeys.removeExpired(nowMs: now, limit: Self.maxForgotten) }
        }
        if late || !due.isEmpty { wake.signal() }
    }

    /// Those of the machines that do not run, or not as their computes say. One that can't be looked at is taken to run, and
    /// the others are looked at all the same.
    /// - Parameter reported: the failure that each shows.
    private func gone(_ reported: [Int64: FailureCode?]) async -> [Int64] {
        let ids = reported.keys.sorted()
        var batches = stride(from: 0, to: ids.count, by: Self.batch).map { start in
            Array(ids[start..<min(start + Self.batch, ids.count)])
        }[...]
        var gone: [Int64] = []
        var standing = 0
        var faults: [Int64: any Error] = [:]
        await withTaskGroup(of: [Look].self) { group in
            for batch in batches.prefix(Self.maxBatches) { group.addTask { await looks(batch) } }
            batches = batches.dropFirst(Self.maxBatches)
            for await looks in group {
                for (id, status) in looks {
                    switch status {
                    case .success(.absent), .success(.poweredOff): gone.append(id)
                    case .success(.outOfSpace):
                        standing += 1
                        if MachineDrift.isDiskFullNews(reported[id] ?? nil) { gone.append(id) }
                    case .success(.running):
                        if reported[id] == .diskFull { gone.append(id) }
                    case .success(.arriving), .success(.departed): break
                    case .failure(let error): faults[id] = error
                    }
                }
                if let next = batches.popFirst() { group.addTask { await self.looks(next) } }
            }
        }
        metrics.standStill(standing)
        if let (id, error) = faults.min(by: { $0.key < $1.key }), !Task.isCancelled {
            logger.warning(
                "Machines could not be looked at; trying again.",
                metadata: ["machines": "\(faults.count)", "first": "\(id)", "error": "\(error)"])
        }
        return gone
    }

    private typealias Look = (id: Int64, status: Result<MachineStatus, any Error>)

    private func looks(_ ids: [Int64]) async -> [Look] {
        if let all = try? await inTime(ids) { return all }  // nil: one of them hangs, and hides itself alone
        var all: [Look] = []
        for id in ids {
            do {
                all += try await inTime([id])
            } catch {
                all.append((id, .failure(error)))
            }
        }
        return all
    }

    /// Throws when the looks take too long.
    private func inTime(_ ids: [Int64]) async throws -> [Look] {
        let host = host
        return try await withTimeout(
            Self.lookTimeout, by: clock,
            late: .late("Looking at machine \(ids.first ?? 0)", after: Self.lookTimeout)
        ) {
            var all: [Look] = []
            for id in ids {
                do {
                    all.append((id, .success(try await host.status(id))))
                } catch {
                    all.append((id, .failure(error)))
                }
            }
            return all
        }
    }
}

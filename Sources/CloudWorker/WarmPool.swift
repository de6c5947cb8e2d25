import CloudCore
import CloudDatabase
import CloudMachines
import Logging
import ServiceLifecycle
import Synchronization

/// Keeps as many guests booted ahead as the goals say, and ends those that no goal wants: of an image that has changed, or
/// from before a change of the settings.
///
/// One guest is started at a time, and none while a compute's guest boots.
public final class WarmPool: Service {
    private let goals: [WarmGoal]
    private let host: any WarmingHost
    private let database: any Database
    private let claim: HostClaim
    private let clock: any CloudClock
    private let metrics: WorkerMetrics
    private let logger: Logger
    private let known = Mutex<[Int64: WarmGuest]>([:])

    /// Between two looks while something is due.
    static let interval = Duration.milliseconds(500)
    /// Between two looks when all guests were there and ready, or none are wanted.
    static let idleInterval = Duration.seconds(5)
    /// The longest that one call of the host may take.
    static let callLimit = Duration.seconds(60)

    public init(
        goals: [WarmGoal], host: any WarmingHost, database: any Database, claim: HostClaim,
        clock: any CloudClock, metrics: WorkerMetrics = WorkerMetrics(), logger: Logger
    ) {
        self.goals = goals
        self.host = host
        self.database = database
        self.claim = claim
        self.clock = clock
        self.metrics = metrics
        self.logger = logger
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled, self.claim.loss == nil {
                let pause = await self.isSettled() ? Self.idleInterval : Self.interval
                try? await self.clock.sleep(for: pause)  // throws when cancelled, and the loop ends
            }
        }
    }

    private func isSettled() async -> Bool {
        do {
            return try await look()
        } catch {
            if !Task.isCancelled {
                logger.error(
                    "Guests could not be booted ahead; trying again.", metadata: ["error": "\(error)"])
            }
            return true
        }
    }

    /// Looks once, and does what is due: at most one guest is started. Returns whether nothing was.
    @discardableResult
    public func look() async throws -> Bool {
        let guests = try await host.warmGuests()
        tell(guests)
        var wanted: [WarmDecision.Wanted] = []
        for goal in goals {
            let kind = try await host.warmKind(goal.image, goal.specification)
            wanted.append(WarmDecision.Wanted(goal: goal, kind: kind))
        }
        let decision = WarmDecision(wanted, guests, nowMs: clock.nowMs)
        for number in decision.discarded { try await discard(number) }
        guard let goal = decision.started else {
            return decision.discarded.isEmpty && guests.allSatisfy { $0.state == .ready }
        }
        guard try await !isBusy() else { return false }
        let host = host
        let number = try await inTime("Booting a guest ahead") {
            try await host.warm(goal.image, goal.specification)
        }
        logger.info("A guest is booted ahead.", metadata: Self.metadata(number, goal))
        return false
    }

    private func discard(_ number: Int64) async throws {
        let host = host
        try await inTime("Ending a guest that was booted ahead") { try await host.discardWarm(number) }
        _ = known.withLock { $0.removeValue(forKey: number) }
        logger.info("A guest that was booted ahead is of no use any more.", metadata: ["guest": "\(number)"])
    }

    /// Whether a compute's guest boots, or is about to.
    private func isBusy() async throws -> Bool {
        let claim = claim
        return try await database.glance { sql in
            let hostId = try claim.check(sql)
            return try [ComputeStep.boot, .confirm].contains {
                try sql.jobs.count(step: $0, hostId: hostId) > 0
            }
        }
    }

    /// Those that were there at the last look and are not now have become computes.
    private func tell(_ guests: [WarmGuest]) {
        let now = Dictionary(uniqueKeysWithValues: guests.map { ($0.number, $0) })
        let before = known.withLock { known in
            defer { known = now }
            return known
        }
        for guest in guests where guest.state == .ready && before[guest.number]?.state != .ready {
            logger.info(
                "A guest is ready ahead.",
                metadata: ["guest": "\(guest.number)", "ms": "\(clock.nowMs - guest.startedAtMs)"])
        }
        let taken = before.keys.filter { now[$0] == nil }.count
        metrics.warmed(ready: guests.count { $0.state == .ready }, taken: taken)
    }

    private func inTime<T: Sendable>(
        _ what: String, _ body: @escaping @Sendable () async throws -> T
    ) async throws -> T {
        try await withTimeout(
            Self.callLimit, by: clock, late: .late(what, after: Self.callLimit), body)
    }

    private static func metadata(_ number: Int64, _ goal: WarmGoal) -> Logger.Metadata {
        [
            "guest": "\(number)", "image": "\(goal.image.image)",
            "specification": "\(goal.specification.specification)",
        ]
    }
}

/// What is due of the guests that are booted ahead, as a function of what there is.
struct WarmDecision: Sendable, Equatable {
    /// A goal, and what its guests are like now; `nil`: its image is not ready.
    struct Wanted: Sendable, Equatable {
        var goal: WarmGoal
        var kind: String?
    }

    /// To be ended.
    var discarded: [Int64]
    /// What one more guest is to be started for.
    var started: WarmGoal?

    /// A guest that is not ready after this long never will be. A full guest without KVM needs minutes.
    static let bootLimitMs: Int64 = 900_000

    init(_ wanted: [Wanted], _ guests: [WarmGuest], nowMs: Int64) {
        var rest = guests.filter { guest in
            switch guest.state {
            case .ready: true
            case .booting: nowMs - guest.startedAtMs < Self.bootLimitMs
            case .broken: false
            }
        }
        var kept: [WarmGuest] = []
        for each in wanted {
            // While an image is looked at, nobody knows which guests are of it.
            guard let kind = each.kind else {
                kept += rest
                rest = []
                break
            }
            let fitting = rest.filter { $0.kind == kind }.sorted(by: Self.isBetter).prefix(each.goal.count)
            rest.removeAll(where: fitting.contains)
            kept += fitting
            if fitting.count < each.goal.count, started == nil { started = each.goal }
        }
        if kept.contains(where: { $0.state == .booting }) { started = nil }
        discarded = guests.filter { !kept.contains($0) }.map(\.number).sorted()
    }

    /// Ready before booting, and older before younger.
    private static func isBetter(_ a: WarmGuest, _ b: WarmGuest) -> Bool {
        a.state == b.state ? (a.startedAtMs, a.number) < (b.startedAtMs, b.number) : a.state == .ready
    }
}

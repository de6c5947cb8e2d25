import CloudCore
import CloudDatabase
import Logging
import ServiceLifecycle

/// Debits once a day what fell due, moves the standing of teams, and stops and deletes what their standing forbids.
///
/// What is due follows from the meters alone, so after a time without a server, however long, the next look catches
/// up with all of it.
public struct Accountant: Service {
    private let duty: CellDuty
    private let database: any Database
    private let catalogue: Catalogue
    private let settings: BillingSettings
    private let clock: any CloudClock
    private let wake: Wake
    private let logger: Logger

    /// Between two looks. Most find nothing to do.
    static let interval = Duration.seconds(60)
    /// Rows that are looked at or changed in one transaction, which others wait for.
    static let maxTogether = 100
    /// Transactions of one kind in one look; what is left is for the next.
    static let maxRounds = 10_000

    /// - Parameter duty: of all workers of the cell the one that has it looks.
    public init(
        duty: CellDuty, database: any Database, catalogue: Catalogue, settings: BillingSettings,
        clock: any CloudClock,
        wake: Wake, logger: Logger
    ) {
        self.duty = duty
        self.database = database
        self.catalogue = catalogue
        self.settings = settings
        self.clock = clock
        self.wake = wake
        self.logger = logger
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            var isPriced = false
            while !Task.isCancelled {
                do {
                    // Who gets the duty from another goes by its own prices from then on.
                    let isMine = try await duty.isMine()
                    if isMine, !isPriced { try await priceAll() }
                    isPriced = isMine
                    if isMine { try await look() }
                } catch {
                    guard !Task.isCancelled else { break }
                    logger.error(
                        "The wallets could not be seen to; trying again.", metadata: ["error": "\(error)"])
                }
                try? await clock.sleep(for: Self.interval)  // throws when cancelled, and the loop ends
            }
        }
    }

    /// Puts the prices of today's catalogue and settings in force from now on, for all computes that exist: 0 where
    /// nothing is billed. A specification that the catalogue no longer has keeps its price. For the start, before the
    /// first look.
    public func priceAll() async throws {
        guard try await isAnyPriceAnother() else { return }
        let now = clock.nowMs
        var afterId: Int64 = 0
        for _ in 0..<Self.maxRounds {
            let id = afterId
            let last = try await database.write(.setPrices) { sql in
                let computes = try sql.meters.open(afterId: id, limit: Self.maxTogether)
                for (resourceId, basis) in computes {
                    guard let price = price(basis) else { continue }
                    try sql.meters.change(resourceId, to: price, nowMs: now)
                }
                return computes.last?.resourceId
            }
            guard let last else { return }
            afterId = last
        }
    }

    /// Most starts change no price, and writing holds up all others.
    private func isAnyPriceAnother() async throws -> Bool {
        let isOn = settings.isOn
        let inForce = try await database.read { sql in
            try isOn || sql.meters.hasCosts() ? try sql.meters.pricesInForce() : []
        }
        return inForce.contains { basis, before in price(basis).map { $0 != before } ?? false }
    }

    private func price(_ basis: PriceBasis) -> Price? {
        guard settings.isOn else { return .free }
        return basis.price(catalogue)
    }

    /// One look at everything: debits first, since the standing follows from the balance.
    public func look() async throws {
        if settings.isOn { try await debit() }
        try await moveStandings()
    }

    /// Debits every team to the end, one team after the other, so that one that can't be debited does not keep the
    /// others from it.
    private func debit() async throws {
        let now = clock.nowMs
        let midnight = UTCDay.lastMidnight(before: now)
        let teams = try await database.read { sql in try sql.meters.teamsDue(midnightMs: midnight) }
        try await each(teams, team: \.self) { team in
            for _ in 0..<Self.maxRounds {
                let debit = DebitTeam(teamId: team, midnightMs: midnight, nowMs: now)
                guard try await database.write(.debit, { sql in try debit.run(sql) }) else { return }
            }
        }
    }

    private func moveStandings() async throws {
        let now = clock.nowMs
        var afterId: Int64 = 0
        for _ in 0..<Self.maxRounds {
            let id = afterId
            let page = try await database.read { sql in
                try sql.wallets.troubled(afterId: id, limit: Self.maxTogether, billing: settings.isOn)
            }
            guard let last = page.last else { return }
            afterId = last.wallet.teamId
            try await each(page, team: \.wallet.teamId) { wallet, isBilled in
                let move = MoveStanding(teamId: wallet.teamId, settings: settings, nowMs: now)
                if move.next(wallet, isBilled: isBilled) != nil {
                    try await database.write(.moveStanding) { sql in try move.run(sql) }
                }
                try await enforce(wallet.teamId, nowMs: now)
            }
        }
    }

    private func enforce(_ teamId: Int64, nowMs: Int64) async throws {
        let enforce = EnforceStanding(teamId: teamId, nowMs: nowMs)
        var last: [Int64] = []
        for _ in 0..<Self.maxRounds {
            let affected = try await database.read { sql in try enforce.affected(sql) }
            // What one round could not change is for the next look.
            guard !affected.isEmpty, affected != last else { return }
            last = affected
            try await database.write(.enforceStanding) { sql in try enforce.run(sql) }
            wake.signal()
        }
    }

    /// Does `body` for every item, each of a team, and throws the first error afterwards.
    private func each<Item>(
        _ items: [Item], team: (Item) -> Int64, _ body: (Item) async throws -> Void
    ) async throws {
        var first: (any Error)?
        for item in items {
            try Task.checkCancellation()
            do {
                try await body(item)
            } catch {
                logger.error(
                    "A team's wallet could not be seen to; trying again.",
                    metadata: ["team": "\(team(item))", "error": "\(error)"])
                first = first ?? error
            }
        }
        if let first { throw first }
    }
}

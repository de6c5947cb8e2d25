import CloudCore
import CloudDatabase

/// A team's money as it stands now. Amounts in thousandths of a franc.
public struct BillingStatement: Sendable, Equatable {
    public var wallet: Wallet
    /// Begun but not in the ledger yet, the hours under way included.
    public var owedMilliRwf: Int64
    /// What is committed: that, and the next 24 hours of all computes.
    public var reservedMilliRwf: Int64
    /// What is being spent.
    public var price: Price
    /// What will be spent once computes that are being created run.
    public var priceOfStarting: Price

    /// Whole days until the balance is used up at the present rate; `nil` when nothing is spent.
    public func daysLeft(startingAlso: Bool = false) -> Int64? {
        (startingAlso ? price + priceOfStarting : price)
            .days(ofBalance: wallet.balanceMilliRwf - owedMilliRwf)
    }

    static func read(_ sql: any SQLConnection, _ teamId: Int64, _ cloud: Cloud) throws -> BillingStatement {
        let now = cloud.clock.nowMs
        let meters = try sql.meters.unsettled(teamId: teamId)
        let open = meters.map(\.meter).filter(\.isOpen)
        return BillingStatement(
            wallet: try sql.wallets.get(teamId),
            owedMilliRwf: meters.reduce(0) { $0 + $1.meter.owed(atMs: now) },
            reservedMilliRwf: TeamWallet.committed(meters, nowMs: now),
            price: open.filter(\.isRunning).map(\.price).reduce(.free, +),
            priceOfStarting: open.filter { !$0.isRunning }.map(\.price).reduce(.free, +))
    }
}

/// `GET /billing`.
public struct ReadBilling: Sendable {
    public var caller: Caller

    public init(caller: Caller) { self.caller = caller }

    public func run(in cloud: Cloud) async throws -> BillingStatement {
        try await cloud.database.read { sql in try BillingStatement.read(sql, caller.teamId, cloud) }
    }
}

/// `GET /billing/ledger`: a page of the team's ledger, newest first.
public struct ListLedger: Sendable {
    public var page: Page
    public var caller: Caller

    public init(page: Page, caller: Caller) {
        self.page = page
        self.caller = caller
    }

    public func run(in cloud: Cloud) async throws -> (entries: [LedgerEntry], total: Int) {
        try await cloud.database.glance { sql in
            (
                try sql.ledger.list(teamId: caller.teamId, limit: page.limit, offset: page.offset),
                try sql.ledger.count(teamId: caller.teamId)
            )
        }
    }
}

/// What resources have cost so far, by id, the hour under way included. Empty where nothing is billed.
public struct ReadCosts: Sendable {
    /// At most a page of them.
    public var resourceIds: [Int64]

    public init(resourceIds: [Int64]) { self.resourceIds = resourceIds }

    public func run(in cloud: Cloud) async throws -> [Int64: Int64] {
        guard cloud.settings.billing.isOn else { return [:] }
        return try await cloud.database.glance { sql in try read(sql, cloud) }
    }

    func read(_ sql: any SQLConnection, _ cloud: Cloud) throws -> [Int64: Int64] {
        guard cloud.settings.billing.isOn else { return [:] }
        let now = cloud.clock.nowMs
        let meters = try sql.meters.list(resourceIds: resourceIds)
        return Dictionary(uniqueKeysWithValues: meters.map { ($0.resourceId, $0.meter.cost(atMs: now)) })
    }
}

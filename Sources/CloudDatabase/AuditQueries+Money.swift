import CloudCore

extension AuditQueries {
    /// At most `limit` meters above `afterId`, by resource, with the state of the resource that each is for.
    public func meters(afterId: Int64, limit: Int) throws -> [AuditedMeter] {
        let rows = try sql.query(
            """
            SELECT m.resource_id, m.is_settled, COALESCE(c.state, s.state, i.state) AS state, \(MeterQueries.basisColumns)
            FROM \(MeterQueries.metered)
            WHERE m.resource_id > $1 ORDER BY m.resource_id LIMIT $2
            """,
            [afterId, limit])
        guard let first = rows.first, let last = rows.last else { return [] }
        let meters = try sql.meters.list(from: try first.int("resource_id"), to: try last.int("resource_id"))
        let byId = Dictionary(meters.map { ($0.resourceId, $0.meter) }) { first, _ in first }
        return try rows.compactMap { row in
            let id = try row.int("resource_id")
            return try byId[id].map { meter in
                AuditedMeter(
                    resourceId: id, kind: try row.value("kind"), meter: meter,
                    isSettled: try row.int("is_settled") == 1, state: try row.text("state"),
                    phase: try Self.phase(row), basis: try MeterQueries.basis(row))
            }
        }
    }

    private static func phase(_ row: SQLRow) throws -> BillingPhase {
        switch try row.value("kind") as ResourceKind {
        case .compute: (try row.value("state") as ComputeState).billing
        case .snapshot: (try row.value("state") as SnapshotState).billing
        case .image: (try row.value("state") as TeamImageState).billing
        case .move: throw CloudError.bug("a move has a meter")
        }
    }

    /// What the ledger has of the resources above `afterId` and up to `lastId`, by resource and kind of entry.
    public func debits(afterId: Int64, lastId: Int64) throws -> [Int64: [LedgerKind: DebitTotal]] {
        var totals: [Int64: [LedgerKind: DebitTotal]] = [:]
        let rows = try sql.query(
            """
            SELECT resource_id, kind, COUNT(*) AS n, CAST(SUM(amount_milli_rwf) AS BIGINT) AS amount,
                MIN(reference) AS lo, MAX(reference) AS hi
            FROM ledger WHERE resource_id > $1 AND resource_id <= $2 GROUP BY resource_id, kind
            """,
            [afterId, lastId])
        for row in rows {
            totals[try row.int("resource_id"), default: [:]][try row.value("kind")] = DebitTotal(
                count: Int(try row.int("n")), amountMilliRwf: -(try row.int("amount")),
                first: try row.text("lo"), last: try row.text("hi"))
        }
        return totals
    }

    /// Resources that are, or will be, billed and have no meter.
    public func withoutMeter() throws -> [Int64] {
        let computes = ComputeState.allCases.filter { $0.billing != .over }.sqlList
        let snapshots = SnapshotState.allCases.filter { $0.billing != .over }.sqlList
        let images = TeamImageState.allCases.filter { $0.billing != .over }.sqlList
        return try sql.query(
            """
            SELECT c.id FROM computes c LEFT JOIN meters m ON m.resource_id = c.id
            WHERE m.resource_id IS NULL AND c.state IN (\(computes))
            UNION ALL SELECT s.id FROM snapshots s LEFT JOIN meters m ON m.resource_id = s.id
            WHERE m.resource_id IS NULL AND s.state IN (\(snapshots))
            UNION ALL SELECT i.id FROM images i LEFT JOIN meters m ON m.resource_id = i.id
            WHERE m.resource_id IS NULL AND i.state IN (\(images)) ORDER BY id
            """
        ).map { try $0.int("id") }
    }

    /// Teams without a wallet, or whose wallet is not the sum and the end of their ledger, or whose ledger has a gap.
    public func walletsAmiss() throws -> [AuditedWallet] {
        try sql.query(
            """
            SELECT t.id, COALESCE(w.last_number, 0) AS last_number, w.balance_milli_rwf,
                COUNT(l.number) AS n, COALESCE(MAX(l.number), 0) AS hi,
                CAST(COALESCE(SUM(l.amount_milli_rwf), 0) AS BIGINT) AS total
            FROM teams t LEFT JOIN wallets w ON w.team_id = t.id LEFT JOIN ledger l ON l.team_id = t.id
            GROUP BY t.id, w.last_number, w.balance_milli_rwf
            HAVING w.balance_milli_rwf IS NULL OR COUNT(l.number) <> COALESCE(w.last_number, 0)
                OR COALESCE(MAX(l.number), 0) <> COALESCE(w.last_number, 0)
                OR COALESCE(SUM(l.amount_milli_rwf), 0) <> w.balance_milli_rwf
            ORDER BY t.id
            """
        ).map {
            AuditedWallet(
                teamId: try $0.int("id"), lastNumber: try $0.int("last_number"),
                balanceMilliRwf: try $0.intOrNil("balance_milli_rwf"), entries: try $0.int("n"),
                highestNumber: try $0.int("hi"), totalMilliRwf: try $0.int("total"))
        }
    }

    /// Entries that don't go on where the one before them ended, by team and number.
    public func brokenChain() throws -> [(teamId: Int64, number: Int64)] {
        try sql.query(
            """
            SELECT l.team_id, l.number FROM ledger l
            LEFT JOIN ledger p ON p.team_id = l.team_id AND p.number = l.number - 1
            WHERE l.balance_milli_rwf <> COALESCE(p.balance_milli_rwf, 0) + l.amount_milli_rwf
            ORDER BY l.team_id, l.number
            """
        ).map { (try $0.int("team_id"), try $0.int("number")) }
    }
}

/// A meter and the resource that it is for.
public struct AuditedMeter: Sendable, Equatable {
    public var resourceId: Int64
    public var kind: ResourceKind
    public var meter: Meter
    /// What the row says; `meter.isSettled` is what it should say.
    public var isSettled: Bool
    /// The resource's, in the words of its kind.
    public var state: String
    /// What that state means for the meter.
    public var phase: BillingPhase
    public var basis: PriceBasis

    public init(
        resourceId: Int64, kind: ResourceKind, meter: Meter, isSettled: Bool, state: String,
        phase: BillingPhase, basis: PriceBasis
    ) {
        self.resourceId = resourceId
        self.kind = kind
        self.meter = meter
        self.isSettled = isSettled
        self.state = state
        self.phase = phase
        self.basis = basis
    }

    /// `compute 325`.
    public var name: String { "\(kind.rawValue) \(resourceId)" }
}

/// All charges of one kind of one compute, in a word.
public struct DebitTotal: Sendable, Equatable {
    public var count: Int
    public var amountMilliRwf: Int64
    /// The lowest and the highest reference: days, or months.
    public var first: String
    public var last: String

    public init(count: Int, amountMilliRwf: Int64, first: String, last: String) {
        self.count = count
        self.amountMilliRwf = amountMilliRwf
        self.first = first
        self.last = last
    }
}

/// A wallet beside the ledger that it should be the end of.
public struct AuditedWallet: Sendable, Equatable {
    public var teamId: Int64
    /// What the wallet says; `nil`: there is no wallet.
    public var lastNumber: Int64
    public var balanceMilliRwf: Int64?
    /// What the ledger says.
    public var entries: Int64
    public var highestNumber: Int64
    public var totalMilliRwf: Int64
}

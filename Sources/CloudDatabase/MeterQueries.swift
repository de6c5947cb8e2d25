import CloudCore

extension SQLConnection {
    public var meters: MeterQueries { MeterQueries(sql: self) }
}

/// A meter and whose it is.
public struct ResourceMeter: Sendable, Equatable {
    public var resourceId: Int64
    public var meter: Meter
}

/// Meters of resources and their prices.
public struct MeterQueries {
    let sql: any SQLConnection

    private static let select = """
        SELECT m.resource_id, m.kind, m.began_at_ms, m.ended_at_ms, m.debited_to_ms, p.since_ms, p.hour_milli_rwf,
            p.ip_month_milli_rwf
        FROM meters m JOIN meter_prices p ON p.resource_id = m.resource_id
        """

    /// Inserts the meter of a new resource.
    public func insert(
        _ kind: ResourceKind, resourceId: Int64, teamId: Int64, price: Price, nowMs: Int64
    ) throws {
        try sql.later(
            "INSERT INTO meters (resource_id, kind, team_id) VALUES ($1, $2, $3)",
            [resourceId, kind.rawValue, teamId])
        try insert(PriceChange(sinceMs: nowMs, price: price), resourceId: resourceId)
    }

    public func get(_ resourceId: Int64) throws -> Meter? {
        try sql.query("\(Self.select) WHERE m.resource_id = $1 ORDER BY p.since_ms", [resourceId])
            .grouped().first?.meter
    }

    /// The meters of these resources, at most a page of them.
    public func list(resourceIds: [Int64]) throws -> [ResourceMeter] {
        guard !resourceIds.isEmpty else { return [] }
        let places = (1...resourceIds.count).map { "$\($0)" }.joined(separator: ", ")
        return try sql.query(
            "\(Self.select) WHERE m.resource_id IN (\(places)) ORDER BY m.resource_id, p.since_ms",
            resourceIds
        ).grouped()
    }

    /// The meters of the resources with these ids, which are to be few enough for one answer.
    func list(from first: Int64, to last: Int64) throws -> [ResourceMeter] {
        try sql.query(
            "\(Self.select) WHERE m.resource_id BETWEEN $1 AND $2 ORDER BY m.resource_id, p.since_ms",
            [first, last]
        ).grouped()
    }

    /// The team's meters that the ledger does not have to the end.
    public func unsettled(teamId: Int64) throws -> [ResourceMeter] {
        try sql.query(
            "\(Self.select) WHERE m.team_id = $1 AND m.is_settled = 0 ORDER BY m.resource_id, p.since_ms",
            [teamId]
        ).grouped()
    }

    /// Teams with something to debit at `midnightMs`, the last midnight: what ended, and what was not debited since.
    public func teamsDue(midnightMs: Int64) throws -> [Int64] {
        try sql.query(
            "SELECT DISTINCT team_id FROM meters WHERE \(Self.isDue) ORDER BY team_id", [midnightMs]
        ).map { try $0.int("team_id") }
    }

    /// At most `limit` of the team's meters that are due.
    public func due(teamId: Int64, midnightMs: Int64, limit: Int) throws -> [ResourceMeter] {
        try sql.query(
            """
            \(Self.select) WHERE m.resource_id IN (
                SELECT resource_id FROM meters WHERE \(Self.isDue) AND team_id = $2
                ORDER BY resource_id LIMIT $3
            ) ORDER BY m.resource_id, p.since_ms
            """,
            [midnightMs, teamId, limit]
        ).grouped()
    }

    private static let isDue = """
        is_settled = 0 AND (
            ended_at_ms IS NOT NULL OR (began_at_ms < $1 AND debited_to_ms < $1)
        )
        """

    /// Follows the resource into a state that is billed so, in the transaction that brings it there. Computes without a meter,
    /// which were gone before there were meters, are left alone.
    public func follow(_ resourceId: Int64, _ phase: BillingPhase, nowMs: Int64) throws {
        guard let before = try get(resourceId) else { return }
        var after = before
        after.follow(phase, atMs: nowMs)
        if after != before { try save(after, resourceId: resourceId) }
    }

    /// Puts another price of the resource in force, as an upsize does.
    public func change(_ resourceId: Int64, to price: Price, nowMs: Int64) throws {
        guard var meter = try get(resourceId) else { return }
        let before = meter.prices
        meter.change(price, atMs: nowMs)
        guard let last = meter.prices.last, meter.prices != before else { return }
        try insert(last, resourceId: resourceId)
    }

    /// Saves where the meter stands; its prices are saved by `change`.
    public func save(_ meter: Meter, resourceId: Int64) throws {
        try sql.later(
            """
            UPDATE meters SET began_at_ms = $2, ended_at_ms = $3, debited_to_ms = $4, is_settled = $5
            WHERE resource_id = $1
            """,
            [resourceId, meter.beganAtMs, meter.endedAtMs, meter.debitedToMs, meter.isSettled])
    }

    private func insert(_ change: PriceChange, resourceId: Int64) throws {
        try sql.later(
            """
            INSERT INTO meter_prices (resource_id, since_ms, hour_milli_rwf, ip_month_milli_rwf)
            VALUES ($1, $2, $3, $4) ON CONFLICT (resource_id, since_ms) DO UPDATE SET
                hour_milli_rwf = excluded.hour_milli_rwf, ip_month_milli_rwf = excluded.ip_month_milli_rwf
            """,
            [resourceId, change.sinceMs, change.price.hourMilliRwf, change.price.ipMonthMilliRwf])
    }

    /// Resources whose meters have not ended, above `afterId`, with what their prices follow from.
    public func open(afterId: Int64, limit: Int) throws -> [(resourceId: Int64, basis: PriceBasis)] {
        try sql.query(
            """
            SELECT m.resource_id, \(Self.basisColumns) FROM \(Self.metered)
            WHERE m.ended_at_ms IS NULL AND m.resource_id > $1 ORDER BY m.resource_id LIMIT $2
            """,
            [afterId, limit]
        ).map { (try $0.int("resource_id"), try Self.basis($0)) }
    }

    /// Whether any resource has ever had a price. Looks at every price, in a tenth of the time of `pricesInForce`.
    public func hasCosts() throws -> Bool {
        try !sql.query(
            "SELECT 1 AS costs FROM meter_prices WHERE hour_milli_rwf > 0 OR ip_month_milli_rwf > 0 LIMIT 1"
        ).isEmpty
    }

    /// The last prices of all meters that have not ended, each once for all computes that have it for the same reason. Looks
    /// at every such meter.
    public func pricesInForce() throws -> [(basis: PriceBasis, price: Price)] {
        try sql.query(
            """
            SELECT DISTINCT \(Self.basisColumns), p.hour_milli_rwf, p.ip_month_milli_rwf
            FROM \(Self.metered) JOIN meter_prices p ON p.resource_id = m.resource_id
            WHERE m.ended_at_ms IS NULL AND p.since_ms = (
                SELECT MAX(l.since_ms) FROM meter_prices l WHERE l.resource_id = m.resource_id
            )
            """
        ).map { (try Self.basis($0), try Self.price($0)) }
    }

    /// Each meter, `m`, with the row of what it is for: a compute `c`, a snapshot `s` or an image `i`.
    static let metered =
        """
        meters m LEFT JOIN computes c ON c.id = m.resource_id AND m.kind = 'compute'
        LEFT JOIN snapshots s ON s.id = m.resource_id AND m.kind = 'snapshot'
        LEFT JOIN images i ON i.id = m.resource_id AND m.kind = 'image'
        """
    /// All that `basis` reads of a row of `metered`.
    static let basisColumns =
        """
        m.kind, c.specification, CASE WHEN c.public_ipv4 IS NULL THEN 0 ELSE 1 END AS has_public_ip,
        COALESCE(s.bytes, i.bytes, 0) AS billed_bytes
        """

    static func basis(_ row: SQLRow) throws -> PriceBasis {
        switch try row.value("kind") as ResourceKind {
        case .compute:
            .compute(
                specification: try row.text("specification"), hasPublicIp: try row.int("has_public_ip") == 1)
        case .snapshot: .snapshot(gb: Snapshot.billedGb(try row.int("billed_bytes")))
        case .image: .image(gb: Snapshot.billedGb(try row.int("billed_bytes")))
        case .move: throw CloudError.bug("a move has a meter")
        }
    }

    fileprivate static func price(_ row: SQLRow) throws -> Price {
        Price(
            hourMilliRwf: try row.int("hour_milli_rwf"), ipMonthMilliRwf: try row.int("ip_month_milli_rwf"))
    }
}

/// What a resource's price follows from.
public enum PriceBasis: Sendable, Equatable {
    /// - specification: a slug.
    case compute(specification: String, hasPublicIp: Bool)
    case snapshot(gb: Int64)
    case image(gb: Int64)

    /// The price by a catalogue; `nil`: it has the specification no longer, and the price stays what it is.
    public func price(_ catalogue: Catalogue) -> Price? {
        switch self {
        case .compute(let slug, let hasPublicIp):
            catalogue.specification(slug).map { catalogue.price(of: $0, hasPublicIp: hasPublicIp) }
        case .snapshot(let gb): catalogue.price(ofSnapshotGb: gb)
        case .image(let gb): catalogue.price(ofImageGb: gb)
        }
    }
}

extension ResourceKind {
    /// What hours of such a resource are called in the ledger.
    fileprivate var hours: LedgerKind {
        get throws {
            switch self {
            case .compute: .computeHours
            case .snapshot: .snapshotHours
            case .image: .imageHours
            case .move: throw CloudError.bug("a move has a meter")
            }
        }
    }
}

extension [SQLRow] {
    /// One meter for each run of rows with the same resource.
    fileprivate func grouped() throws -> [ResourceMeter] {
        var rest = self[...]
        var meters: [ResourceMeter] = []
        while let first = rest.first {
            let id = try first.int("resource_id")
            let rows = try rest.prefix { try $0.int("resource_id") == id }
            rest = rest.dropFirst(rows.count)
            meters.append(
                ResourceMeter(
                    resourceId: id,
                    meter: Meter(
                        of: try (first.value("kind") as ResourceKind).hours,
                        beganAtMs: try first.intOrNil("began_at_ms"),
                        endedAtMs: try first.intOrNil("ended_at_ms"),
                        prices: try rows.map(Self.change), debitedToMs: try first.int("debited_to_ms"))))
        }
        return meters
    }

    private static func change(_ row: SQLRow) throws -> PriceChange {
        PriceChange(sinceMs: try row.int("since_ms"), price: try MeterQueries.price(row))
    }
}

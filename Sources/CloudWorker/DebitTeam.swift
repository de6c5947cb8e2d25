import CloudCore
import CloudDatabase

/// Debits what fell due in one team, a bounded part of it in one transaction.
struct DebitTeam: Sendable {
    let teamId: Int64
    /// The last midnight: what fell due until then is debited, and of computes that have ended all.
    let midnightMs: Int64
    let nowMs: Int64

    /// Computes and days that are debited in one transaction, which others wait for.
    static let maxComputes = 50
    static let maxDays: Int64 = 7

    /// Whether there was anything to do, and there may be more.
    func run(_ sql: any SQLConnection) throws -> Bool {
        _ = try sql.wallets.lock(teamId)
        let due = try sql.meters.due(teamId: teamId, midnightMs: midnightMs, limit: Self.maxComputes)
        guard !due.isEmpty else { return false }
        var debited: [Int64] = []
        for compute in due { debited += try debit(compute, sql) }
        if !debited.isEmpty { try append(debited, sql) }
        return true
    }

    /// Debits at most `maxDays` of one compute. The amounts that went into the ledger.
    private func debit(_ compute: ResourceMeter, _ sql: any SQLConnection) throws -> [Int64] {
        var meter = compute.meter
        let untilMs = until(meter)
        let charges = try meter.charges(untilMs: untilMs).filter { charge in
            try sql.ledger.debit(charge, resourceId: compute.resourceId, teamId: teamId, nowMs: nowMs)
        }
        meter.debit(untilMs: untilMs)
        try sql.meters.save(meter, resourceId: compute.resourceId)
        return charges.map(\.amountMilliRwf)
    }

    private func until(_ meter: Meter) -> Int64 {
        let since = UTCDay.start(max(meter.debitedToMs, meter.beganAtMs ?? 0))
        return min(meter.endedAtMs ?? midnightMs, since + Self.maxDays * UTCDay.milliseconds)
    }

    private func append(_ debited: [Int64], _ sql: any SQLConnection) throws {
        let total = "\(Money.text(debited.reduce(0, +))) \(Money.currency)"
        try sql.events.append(
            Event(
                resourceId: nil, teamId: teamId, kind: "wallet.debited",
                detail: "\(total) in \(debited.count) \(debited.count == 1 ? "entry" : "entries")",
                actor: .system),
            nowMs: nowMs)
    }
}

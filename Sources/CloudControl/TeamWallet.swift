import CloudCore
import CloudDatabase

/// What a change of a team's computes has to do with its wallet, inside the transaction that makes the change.
struct TeamWallet {
    let sql: any SQLConnection
    let teamId: Int64
    let cloud: Cloud

    /// The time ahead that a balance must cover for all of the team's computes before one is made or enlarged.
    static let reserveMs = UTCDay.milliseconds

    /// Throws `TEAM_PAST_DUE`, `TEAM_SUSPENDED` or `TEAM_TERMINATED` when the team's standing forbids the action.
    /// - Parameter tags: what the compute is to have.
    ///
    /// Those that decide by what the team's computes cost or keep apart do so one after the other: two that both looked
    /// first could both take it. The wallet is the first that a transaction locks, so that no two wait for each other.
    func check(_ action: ComputeAction, tags: [String] = []) throws {
        let spends = cloud.settings.billing.isOn && [.create, .upsize].contains(action)
        let wallet =
            spends || !Tag.apart(tags).isEmpty ? try sql.wallets.lock(teamId) : try sql.wallets.get(teamId)
        try wallet.check(action)
    }

    /// Begins the meter of a new compute.
    func meter(_ compute: Compute, _ specification: Specification) throws {
        try sql.meters.insert(
            .compute, resourceId: compute.id, teamId: teamId,
            price: price(specification, hasPublicIp: compute.publicIpv4 != nil), nowMs: cloud.clock.nowMs)
    }

    /// Puts the price of another specification in force from now on. What an upsize calls before `requireCovered`.
    func reprice(_ compute: Compute, _ specification: Specification) throws {
        try sql.meters.change(
            compute.id, to: price(specification, hasPublicIp: compute.publicIpv4 != nil),
            nowMs: cloud.clock.nowMs)
    }

    /// Throws `INSUFFICIENT_BALANCE` unless the balance covers what is committed. Called after `check` and the change:
    /// what it costs is then among the committed, and a refusal undoes it.
    func requireCovered() throws {
        guard cloud.settings.billing.isOn else { return }
        let balance = try sql.wallets.get(teamId).balanceMilliRwf
        let committed = Self.committed(try sql.meters.unsettled(teamId: teamId), nowMs: cloud.clock.nowMs)
        guard balance < committed else { return }
        func text(_ milliRwf: Int64) -> String { "\(Money.text(milliRwf)) \(Money.currency)" }
        throw CloudError(
            .insufficientBalance,
            "The balance is \(text(balance)), and with this the team would need \(text(committed)): what it owes and "
                + "the next 24 hours of all its computes. Top up by \(text(committed - balance)), choose a smaller "
                + "specification, or delete a compute.")
    }

    /// What the team owes and will owe by the end of the reserve, if nothing changes. A compute that does not run yet
    /// is taken to do so from now on.
    static func committed(_ meters: [ResourceMeter], nowMs: Int64) -> Int64 {
        meters.reduce(0) {
            $0 + $1.meter.assumed(beganAtMs: nowMs).owed(atMs: nowMs + reserveMs)
        }
    }

    private func price(_ specification: Specification, hasPublicIp: Bool) -> Price {
        guard cloud.settings.billing.isOn else { return .free }
        return cloud.catalogue.price(of: specification, hasPublicIp: hasPublicIp)
    }
}

import CloudCore
import CloudDatabase

/// Moves a team's standing to what its balance leads to, by one step.
struct MoveStanding: Sendable {
    let teamId: Int64
    let settings: BillingSettings
    let nowMs: Int64

    func run(_ sql: any SQLConnection) throws {
        _ = try sql.wallets.lock(teamId)
        guard
            let (wallet, isBilled) = try sql.wallets.troubled(
                afterId: teamId - 1, limit: 1, billing: settings.isOn
            ).first,
            wallet.teamId == teamId
        else { return }
        guard let next = next(wallet, isBilled: isBilled) else { return }
        try sql.wallets.setStanding(teamId: teamId, next, nowMs: nowMs)
        try sql.events.append(
            Event(
                resourceId: nil, teamId: teamId, kind: Self.event(next),
                detail: "balance \(Money.text(wallet.balanceMilliRwf)) \(Money.currency)", actor: .system),
            nowMs: nowMs)
    }

    /// What the wallet's standing becomes; `nil`: it stays.
    func next(_ wallet: Wallet, isBilled: Bool) -> TeamStanding? {
        let next = wallet.nextStanding(isBilled: isBilled, settings, nowMs: nowMs)
        return next == wallet.standingByBalance ? nil : next
    }

    private static func event(_ standing: TeamStanding) -> String {
        switch standing {
        case .active: "team.resumed"
        case .pastDue: "team.past_due"
        case .suspended: "team.suspended"
        case .terminated: "team.terminated"
        }
    }
}

/// Whether a team pays for what it has (API reference, "Teams, roles, billing").
public enum TeamStanding: String, Sendable, CaseIterable {
    case active = "ACTIVE"
    /// The balance is used up.
    case pastDue = "PAST_DUE"
    /// It was used up for too long, or the operator says so. Machines are stopped.
    case suspended = "SUSPENDED"
    /// Nobody paid in time. Machines are deleted, and only the operator can bring the team back.
    case terminated = "TERMINATED"
}

extension TeamStanding {
    /// Whether a team of this standing may do it. What ends a cost is never refused (API reference, last section).
    public func allows(_ action: ComputeAction) -> Bool {
        switch (self, action) {
        case (_, .stop), (_, .delete), (.active, _): true
        // The cell does these by itself. No caller asks for them.
        case (_, .cleanUp), (_, .putBack), (_, .keep), (_, .gone): true
        case (.pastDue, .create), (.pastDue, .upsize): false
        case (.pastDue, .start), (.pastDue, .reboot), (.pastDue, .restore), (.pastDue, .update): true
        case (.suspended, .create), (.suspended, .upsize), (.suspended, .start), (.suspended, .reboot),
            (.suspended, .restore), (.suspended, .update):
            false
        case (.terminated, .create), (.terminated, .start), (.terminated, .reboot), (.terminated, .upsize),
            (.terminated, .restore), (.terminated, .update):
            false
        }
    }

    /// Whether a team of this standing may make API keys. It may always revoke them: a leaked key must not wait for a
    /// payment.
    public var allowsNewKeys: Bool {
        switch self {
        case .active, .pastDue: true
        case .suspended, .terminated: false
        }
    }
}

/// How a cell bills.
public struct BillingSettings: Sendable, Equatable {
    /// Whether anything is debited, checked and shown.
    public var isOn: Bool
    /// Days that a team stays PAST_DUE before it is SUSPENDED.
    public var pastDueDays: Int
    /// Days that a team stays SUSPENDED for its debt before it is TERMINATED: the notice.
    public var suspendedDays: Int

    public static let off = BillingSettings(isOn: false)

    public init(isOn: Bool, pastDueDays: Int = 7, suspendedDays: Int = 30) {
        self.isOn = isOn
        self.pastDueDays = pastDueDays
        self.suspendedDays = suspendedDays
    }
}

/// The prepaid wallet of a team.
public struct Wallet: Sendable, Equatable {
    public var teamId: Int64
    public var balanceMilliRwf: Int64
    /// What follows from the balance alone.
    public var standingByBalance: TeamStanding
    public var standingSinceMs: Int64
    public var isSuspendedByOperator: Bool

    public init(
        teamId: Int64, balanceMilliRwf: Int64, standingByBalance: TeamStanding, standingSinceMs: Int64,
        isSuspendedByOperator: Bool
    ) {
        self.teamId = teamId
        self.balanceMilliRwf = balanceMilliRwf
        self.standingByBalance = standingByBalance
        self.standingSinceMs = standingSinceMs
        self.isSuspendedByOperator = isSuspendedByOperator
    }

    /// The standing that counts.
    public var standing: TeamStanding {
        isSuspendedByOperator && standingByBalance != .terminated ? .suspended : standingByBalance
    }

    /// The standing that the balance leads to now, one step a time, so that a server that was down for long does not
    /// terminate a team that was never suspended.
    /// - Parameter isBilled: whether the team has a compute that costs.
    public func nextStanding(isBilled: Bool, _ settings: BillingSettings, nowMs: Int64) -> TeamStanding {
        guard standingByBalance != .terminated else { return .terminated }
        guard settings.isOn, balanceMilliRwf <= 0 else { return .active }
        let heldMs = nowMs - standingSinceMs
        switch standingByBalance {
        case .active: return isBilled || balanceMilliRwf < 0 ? .pastDue : .active
        case .pastDue:
            return heldMs >= Int64(settings.pastDueDays) * UTCDay.milliseconds ? .suspended : .pastDue
        case .suspended:
            return heldMs >= Int64(settings.suspendedDays) * UTCDay.milliseconds ? .terminated : .suspended
        case .terminated: return .terminated
        }
    }

    /// Throws `TEAM_PAST_DUE`, `TEAM_SUSPENDED` or `TEAM_TERMINATED` when the team's standing forbids the action.
    public func check(_ action: ComputeAction) throws(CloudError) {
        if !standing.allows(action) { throw refusal("'\(action.rawValue)'") }
    }

    /// Throws `TEAM_SUSPENDED` or `TEAM_TERMINATED` when the team's standing forbids new API keys.
    public func checkNewKey() throws(CloudError) {
        if !standing.allowsNewKeys { throw refusal("a new API key") }
    }

    private func refusal(_ what: String) -> CloudError {
        let forbids = "so \(what) is refused."
        let balance = "its balance is \(Money.text(balanceMilliRwf)) \(Money.currency)"
        return switch standing {
        case .active: CloudError.bug("an active team may do everything")
        case .pastDue:
            CloudError(
                .teamPastDue, "The team is past due: \(balance), \(forbids) Top up the wallet first.")
        case .suspended where isSuspendedByOperator:
            CloudError(
                .teamSuspended, "The operator has suspended the team, \(forbids) Ask the operator.")
        case .suspended:
            CloudError(
                .teamSuspended, "The team is suspended: \(balance), \(forbids) Top up the wallet first.")
        case .terminated:
            CloudError(
                .teamTerminated, "The team was terminated: \(balance), \(forbids) Ask the operator.")
        }
    }
}

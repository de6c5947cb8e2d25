import CloudCore
import CloudDatabase

/// Suspends a team whatever its balance is: its machines are stopped, and it may only look, stop and delete. For the
/// operator, not for callers of the API.
public struct SuspendTeam: Sendable {
    public var teamId: Int64
    /// For the audit log; the team sees it.
    public var reason: String?

    public init(teamId: Int64, reason: String? = nil) {
        self.teamId = teamId
        self.reason = reason
    }

    /// The wallet as it then is. Repeating it is harmless. Throws `RESOURCE_NOT_FOUND`.
    public func run(in cloud: Cloud) async throws -> Wallet {
        let now = cloud.clock.nowMs
        return try await cloud.database.write(.suspendTeam) { sql in
            let wallet = try sql.wallets.lock(teamId)
            guard !wallet.isSuspendedByOperator else { return wallet }
            try sql.wallets.setSuspendedByOperator(teamId: teamId, true)
            try sql.events.append(
                Event(
                    resourceId: nil, teamId: teamId, kind: "team.suspended", detail: reason, actor: .operator),
                nowMs: now)
            return try sql.wallets.get(teamId)
        }
    }
}

/// Ends every suspension of a team, a termination too: the operator's own, and one for a debt, whose terms then begin
/// anew. Machines stay stopped until their owner starts them. For the operator, not for callers of the API.
public struct ResumeTeam: Sendable {
    public var teamId: Int64

    public init(teamId: Int64) { self.teamId = teamId }

    /// The wallet as it then is. Repeating it is harmless. Throws `RESOURCE_NOT_FOUND`.
    public func run(in cloud: Cloud) async throws -> Wallet {
        let now = cloud.clock.nowMs
        return try await cloud.database.write(.resumeTeam) { sql in
            let wallet = try sql.wallets.lock(teamId)
            guard wallet.standing != .active else { return wallet }
            try sql.wallets.setSuspendedByOperator(teamId: teamId, false)
            try sql.wallets.setStanding(teamId: teamId, .active, nowMs: now)
            try sql.events.append(
                Event(resourceId: nil, teamId: teamId, kind: "team.resumed", actor: .operator), nowMs: now)
            return try sql.wallets.get(teamId)
        }
    }
}

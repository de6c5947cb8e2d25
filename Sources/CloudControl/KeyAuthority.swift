import CloudCore
import CloudDatabase

/// On whose word a team's keys are changed.
public enum KeyAuthority: Sendable {
    /// A command on the server's machine.
    case `operator`(teamId: Int64)
    case caller(Caller, requestId: String)

    public var teamId: Int64 {
        switch self {
        case .operator(let teamId): teamId
        case .caller(let caller, _): caller.teamId
        }
    }

    var actor: Event.Actor {
        switch self {
        case .operator: .operator
        case .caller(let caller, _): .key(caller.keyId)
        }
    }

    var requestId: String? {
        switch self {
        case .operator: nil
        case .caller(_, let requestId): requestId
        }
    }

    /// The authority with the current role of the caller's key. Throws `FORBIDDEN` unless keys may be changed, and
    /// `UNAUTHORIZED` when the caller's own key was revoked since the request came in: two owners who revoke each other
    /// at once must not both succeed.
    func checked(_ sql: any SQLConnection) throws -> KeyAuthority {
        guard case .caller(let caller, _) = self else { return self }
        return having(try caller.require(.manageKeys, now: sql))
    }

    /// The authority of a caller whose key has that role.
    func having(_ role: Role) -> KeyAuthority {
        guard case .caller(var caller, let requestId) = self else { return self }
        caller.role = role
        return .caller(caller, requestId: requestId)
    }

    /// Throws `TEAM_SUSPENDED` or `TEAM_TERMINATED` when a caller's team may make no keys. The operator may always.
    func checkStanding(_ sql: any SQLConnection) throws {
        guard case .caller(let caller, _) = self else { return }
        try sql.wallets.get(caller.teamId).checkNewKey()
    }

    /// Throws `FORBIDDEN` for a key that may do more than the caller's.
    func check(keyOf role: Role) throws(CloudError) {
        guard case .caller(let caller, _) = self, !caller.role.mayManageKeys(of: role) else { return }
        throw CloudError(
            .forbidden,
            "This API key has the role \(caller.role.rawValue), which can't make or revoke a key of the role "
                + "\(role.rawValue). Use an Owner's key.")
    }
}

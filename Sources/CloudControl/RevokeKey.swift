import CloudCore
import CloudDatabase

/// `DELETE /keys/{id}`: makes a key useless, at once and for good. Repeating it is harmless.
public struct RevokeKey: Sendable {
    public var id: Int64
    public var authority: KeyAuthority

    public init(id: Int64, by authority: KeyAuthority) {
        self.id = id
        self.authority = authority
    }

    /// The key as it then is. Throws `FORBIDDEN`, `RESOURCE_NOT_FOUND` also for another team's key, and `CONFLICT` for
    /// the key that asks: so no team can lock itself out, since an owner's key always needs another to revoke it.
    public func run(in cloud: Cloud) async throws -> TeamKey {
        let now = cloud.clock.nowMs
        return try await cloud.database.write(.revokeKey) { sql in
            let authority = try authority.checked(sql)
            let key = try find(sql)
            try authority.check(keyOf: key.role)
            if case .caller(let caller, _) = authority, caller.keyId == id { throw Self.itself }
            guard try sql.keys.revoke(id, nowMs: now) else { return key }
            try sql.events.append(
                Event(
                    resourceId: nil, teamId: key.teamId, kind: "key.revoked", detail: key.eventDetail,
                    actor: authority.actor, requestId: authority.requestId),
                nowMs: now)
            return try find(sql)
        }
    }

    private func find(_ sql: any SQLConnection) throws -> TeamKey {
        if let key = try sql.keys.get(id, teamId: authority.teamId) { return key }
        throw CloudError(
            .resourceNotFound, "There is no key \(id) in this team. GET /keys lists those that exist.",
            problems: [Problem("id", "no key \(id).")])
    }

    private static let itself = CloudError(
        .conflict, "A key can't revoke itself. Make another with POST /keys, and revoke this one with it.")
}

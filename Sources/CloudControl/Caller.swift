import CloudCore
import CloudDatabase

/// Who asks: a key, its team, and what it may do there.
public struct Caller: Sendable, Equatable {
    public var keyId: Int64
    public var teamId: Int64
    public var role: Role

    public init(keyId: Int64, teamId: Int64, role: Role) {
        self.keyId = keyId
        self.teamId = teamId
        self.role = role
    }

    /// Throws `FORBIDDEN` unless the key's role allows it.
    public func require(_ permission: Permission) throws(CloudError) {
        guard !role.may(permission) else { return }
        let allowed = Role.allCases.filter { $0.may(permission) }.map { "\($0.rawValue)'s" }
        throw CloudError(
            .forbidden,
            "This API key has the role \(role.rawValue), which does not allow this. Use an "
                + "\(allowed.joined(separator: " or ")) key.")
    }
}

extension Caller {
    /// Throws `UNAUTHORIZED` when the key was revoked since the request came in, which may be long ago where a body was held
    /// back or something is waited for, and `FORBIDDEN` when its role no longer allows this. To be called in each
    /// transaction that changes something for the caller, and at each look of a request that stays.
    /// Returns the role that the key has now.
    @discardableResult
    func require(_ permission: Permission, now sql: any SQLConnection) throws -> Role {
        try require(permission, withRole: try sql.keys.role(keyId, teamId: teamId))
    }

    /// The same with the role that the key has now; `nil`: it is revoked.
    @discardableResult
    func require(_ permission: Permission, withRole role: Role?) throws(CloudError) -> Role {
        guard let role else { throw Self.revoked }
        try Caller(keyId: keyId, teamId: teamId, role: role).require(permission)
        return role
    }

    static let revoked = CloudError(
        .unauthorized,
        "The API key was revoked while the request was under way. Nothing was done. Use another key.")
}

/// Finds who is behind an `Authorization` header.
public struct Authenticate: Sendable {
    /// The header's value, `Bearer <key>` (RFC 6750).
    public var authorization: String?

    public init(authorization: String?) { self.authorization = authorization }

    /// The caller behind a team's key. Throws what `identify` throws, and `FORBIDDEN` for a guest's token.
    public func run(in cloud: Cloud) async throws -> Caller {
        switch try await identify(in: cloud) {
        case .caller(let caller): return caller
        case .guest:
            throw CloudError(.forbidden, "A guest's token is not taken here. Use an API key of the team.")
        }
    }

    /// Who asks: a key of a team, or a guest with its token.
    public enum Identity: Sendable, Equatable {
        case caller(Caller)
        case guest(Guest)
    }

    /// Throws `UNAUTHORIZED` when the header is missing or malformed, the key unknown or revoked, or the token unknown
    /// or expired.
    public func identify(in cloud: Cloud) async throws -> Identity {
        guard let authorization else {
            throw Self.unauthorized("The Authorization header is missing.")
        }
        let parts = authorization.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer", parts[1].utf8.count <= APIKey.maxLength
        else {
            throw Self.unauthorized("The Authorization header is malformed.")
        }
        let hash = APIKey.hash(String(parts[1]))
        if parts[1].hasPrefix(APIKey.guestPrefix) { return .guest(try await guest(hash, cloud)) }
        return .caller(try await caller(hash, cloud))
    }

    private func guest(_ hash: String, _ cloud: Cloud) async throws -> Guest {
        let now = cloud.clock.nowMs
        let owner = try await cloud.database.glance { sql in
            try sql.guestTokens.owner(hash: hash, nowMs: now)
        }
        guard let owner else {
            throw CloudError(
                .unauthorized,
                "The guest's token is unknown or expired, or its compute has ended. Ask the metadata service for "
                    + "another.")
        }
        return Guest(computeId: owner.computeId, teamId: owner.teamId)
    }

    private func caller(_ hash: String, _ cloud: Cloud) async throws -> Caller {
        guard let key = try await cloud.database.glance({ sql in try sql.keys.owner(hash: hash) }) else {
            throw Self.unauthorized("The API key is unknown or revoked.")
        }
        cloud.keyUse.note(key.keyId, atMs: cloud.clock.nowMs)
        return Caller(keyId: key.keyId, teamId: key.teamId, role: key.role)
    }

    private static func unauthorized(_ what: String) -> CloudError {
        CloudError(.unauthorized, "\(what) Send 'Authorization: Bearer <your API key>'.")
    }
}

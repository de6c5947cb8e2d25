import CloudCore
import CloudDatabase

/// A key that was just made.
public struct CreatedKey: Sendable {
    public var key: TeamKey
    /// The key itself. It can't be had again: only its hash is stored.
    public var secret: String
}

/// `POST /keys`: makes an API key for a team.
public struct CreateKey: Sendable {
    public var name: String
    public var role: Role
    public var authority: KeyAuthority
    /// Keys of one team that work at once. A team that had more before there was this limit keeps them.
    public static let maxKeys = 100

    /// Guards against a second key when the answer to the first request was lost.
    public var idempotencyKey: IdempotencyKey?

    public init(
        name: String, role: Role, by authority: KeyAuthority, idempotencyKey: IdempotencyKey? = nil
    ) {
        self.name = name
        self.role = role
        self.authority = authority
        self.idempotencyKey = idempotencyKey
    }

    /// Throws `VALIDATION_ERROR` for the name, `FORBIDDEN`, the team's standing, `CONFLICT` when the name is taken or the same
    /// request was answered before, since its answer holds a secret that is not stored, and `UNPROCESSABLE_ENTITY` when
    /// another request was, or the team has as many keys as it may have.
    public func run(in cloud: Cloud) async throws -> CreatedKey {
        let secret = APIKey.make(cloud.randomBytes)
        let now = cloud.clock.nowMs
        return try await cloud.database.write(.createKey) { sql in
            try authority.checked(sql).check(keyOf: role)
            try authority.checkStanding(sql)
            return try insert(sql, secret: secret, nowMs: now)
        }
    }

    func insert(_ sql: any SQLConnection, secret: String, nowMs: Int64) throws -> CreatedKey {
        if let problem = DisplayName.problem(name) { throw CloudError.invalid([Problem("name", problem)]) }
        let teamId = authority.teamId
        if let idempotencyKey,
            let made = try sql.keys.get(idempotencyKey: idempotencyKey.value, teamId: teamId)
        {
            throw replay(made)
        }
        if let taken = try sql.keys.get(name: name, teamId: teamId) {
            throw CloudError(
                .conflict,
                "The team's key \(taken.id) is named '\(name.shown)'. Choose another name, or revoke that key first.",
                problems: [Problem("name", "is the name of key \(taken.id).")])
        }
        try checkCount(sql)
        let id = try sql.keys.insert(
            NewKey(
                teamId: teamId, name: name, role: role, hash: APIKey.hash(secret),
                idempotencyKey: idempotencyKey?.value),
            nowMs: nowMs)
        guard let key = try sql.keys.get(id, teamId: teamId) else {
            throw CloudError.bug("key \(id) vanished")
        }
        try sql.events.append(
            Event(
                resourceId: nil, teamId: teamId, kind: "key.created", detail: key.eventDetail,
                actor: authority.actor, requestId: authority.requestId),
            nowMs: nowMs)
        return CreatedKey(key: key, secret: secret)
    }

    private func checkCount(_ sql: any SQLConnection) throws {
        let count = try sql.keys.workingCount(teamId: authority.teamId)
        guard count >= Self.maxKeys else { return }
        throw CloudError(
            .unprocessableEntity,
            "The team has \(count) keys that work, and \(Self.maxKeys) are the most that it may have. Revoke one with "
                + "DELETE /keys/{id} first.")
    }

    private func replay(_ made: TeamKey) -> CloudError {
        guard made.name == name, made.role == role else {
            return CloudError(
                .unprocessableEntity,
                "The Idempotency-Key was used for another request, which made key \(made.id) '\(made.name.shown)' "
                    + "(\(made.role.rawValue)). Send a new one for another key.")
        }
        return CloudError(
            .conflict,
            "This request has made key \(made.id) '\(made.name.shown)' before, and a key is shown once. If the answer "
                + "was lost, revoke it with DELETE /keys/\(made.id), and make another with a new Idempotency-Key."
        )
    }
}

extension TeamKey {
    /// What an event says of the key: `7 dashboard (Member)`.
    var eventDetail: String { "\(id) \(name) (\(role.rawValue))" }
}

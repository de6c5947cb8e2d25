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
    public static let endpoint = "POST /keys"

    public var name: String
    public var role: Role
    public var authority: KeyAuthority
    /// Keys of one team that work at once. A team that had more before there was this limit keeps them.
    public static let maxKeys = 100

    /// `nil` for the operator, whose commands are not repeated by an idempotency key.
    private let request: ChangeRequest?

    /// Without an idempotency key.
    public init(name: String, role: Role, by authority: KeyAuthority) {
        self.name = name
        self.role = role
        self.authority = authority
        request =
            switch authority {
            case .operator: nil
            case .caller(let caller, let requestId):
                ChangeRequest(
                    endpoint: Self.endpoint, key: nil, members: [:], caller: caller, requestId: requestId)
            }
    }

    /// By a request to `endpoint`.
    public init(name: String, role: Role, request: ChangeRequest) {
        self.name = name
        self.role = role
        self.request = request
        authority = .caller(request.caller, requestId: request.requestId)
    }

    /// Throws `VALIDATION_ERROR` for the name, `FORBIDDEN`, the team's standing, `CONFLICT` when the name is taken or the same
    /// request was answered before, since its answer holds a secret that is not stored, and `UNPROCESSABLE_ENTITY` when
    /// the idempotency key was used for another request, or the team has the maximum number of keys.
    public func run(in cloud: Cloud) async throws -> CreatedKey {
        let secret = APIKey.make(cloud.randomBytes)
        let now = cloud.clock.nowMs
        return try await cloud.database.write(.createKey) { sql in
            guard let request else { return try insert(sql, secret: secret, nowMs: now) }
            var made: CreatedKey?
            let outcome = try request.idempotently(.manageKeys, sql, nowMs: now, keptForLife: true) { role in
                try authority.having(role).check(keyOf: self.role)
                try authority.checkStanding(sql)
                let created = try insert(sql, secret: secret, nowMs: now)
                made = created
                return ChangeRequest.Change(resourceId: nil, answer: Self.shownOnce(created.key))
            }
            guard let made else { throw CloudError(.conflict, outcome.answer) }
            return made
        }
    }

    func insert(_ sql: any SQLConnection, secret: String, nowMs: Int64) throws -> CreatedKey {
        if let problem = DisplayName.problem(name) { throw CloudError.invalid([Problem("name", problem)]) }
        let teamId = authority.teamId
        try checkOlder(sql)
        if let taken = try sql.keys.get(name: name, teamId: teamId) {
            throw CloudError(
                .conflict,
                "The team's key \(taken.id) is named '\(name.shown)'. Choose another name, or revoke that key first.",
                problems: [Problem("name", "is the name of key \(taken.id).")])
        }
        try checkCount(sql)
        let key = try sql.keys.insert(
            NewKey(teamId: teamId, name: name, role: role, hash: APIKey.hash(secret)), nowMs: nowMs)
        try sql.events.append(
            Event(
                resourceId: nil, teamId: teamId, kind: "key.created", detail: key.eventDetail,
                actor: authority.actor, requestId: authority.requestId),
            nowMs: nowMs)
        return CreatedKey(key: key, secret: secret)
    }

    /// Throws `CONFLICT` or `UNPROCESSABLE_ENTITY` when the idempotency key made a key before requests for keys were kept in
    /// `idempotency_keys`. Such a key has it in its own row, for good.
    private func checkOlder(_ sql: any SQLConnection) throws {
        guard let key = request?.key,
            let made = try sql.keys.get(olderIdempotencyKey: key.value, teamId: authority.teamId)
        else { return }
        guard made.name == name, made.role == role else {
            throw CloudError(
                .unprocessableEntity,
                "The Idempotency-Key was used for another request, which made key \(made.id) '\(made.name.shown)' "
                    + "(\(made.role.rawValue)). Send a new one for another key.")
        }
        throw CloudError(.conflict, Self.shownOnce(made))
    }

    private func checkCount(_ sql: any SQLConnection) throws {
        let count = try sql.keys.workingCount(teamId: authority.teamId)
        guard count >= Self.maxKeys else { return }
        throw CloudError(
            .unprocessableEntity,
            "The team has \(count) keys that work, and \(Self.maxKeys) are the most that it may have. Revoke one with "
                + "DELETE /keys/{id} first.")
    }

    /// What a retry is told. It stands in place of the first answer, whose secret is not stored.
    private static func shownOnce(_ made: TeamKey) -> String {
        "This request has made key \(made.id) '\(made.name.shown)' before, and a key is shown once. If the answer "
            + "was lost, revoke it with DELETE /keys/\(made.id), and make another with a new Idempotency-Key."
    }
}

extension TeamKey {
    /// What an event says of the key: `7 dashboard (Member)`.
    var eventDetail: String { "\(id) \(name) (\(role.rawValue))" }
}

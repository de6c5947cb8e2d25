import CloudCore
import CloudDatabase

/// A request that changes something: who sent it, and what tells a retry of it from another request (API reference,
/// "Idempotency"). It knows nothing of what is changed.
public struct ChangeRequest: Sendable {
    /// Method and path below the base path: `POST /computes/325/start`. A key belongs to a team and an endpoint.
    public var endpoint: String
    public var key: IdempotencyKey?
    /// A digest of each member of the body that means something: what makes two requests the same.
    let digest: RequestDigest
    public var caller: Caller
    public var requestId: String

    /// - Parameter members: those of the body that mean something to the endpoint, in canonical JSON. Only a request with
    ///   a key needs them.
    public init(
        endpoint: String, key: IdempotencyKey?, members: [String: String], caller: Caller, requestId: String
    ) {
        self.endpoint = endpoint
        self.key = key
        digest =
            key.map {
                RequestDigest(of: members, teamId: caller.teamId, endpoint: endpoint, key: $0.value)
            } ?? RequestDigest()
        self.caller = caller
        self.requestId = requestId
    }

    /// What to answer, and whether it was answered before.
    public struct Outcome: Sendable, Equatable {
        public var answer: String
        public var replayed: Bool
    }

    /// What a change has made, and the text that is kept with the key.
    struct Change {
        /// `nil` for what is not a resource, such as an API key.
        var resourceId: Int64?
        /// What a retry is answered with.
        var answer: String
    }

    /// Makes the change and stores its answer with the key, or returns the stored answer. Throws `UNAUTHORIZED` when the
    /// API key was revoked in the meantime, `FORBIDDEN` when its role no longer has the permission, what `change` throws,
    /// and `UNPROCESSABLE_ENTITY` with the members that differ when the key was used for another request. When it throws,
    /// nothing is changed, the key included.
    /// - Parameters:
    ///   - keptForLife: whether the key is kept until its resource has ended, and 30 days more, and for good where there is no
    ///     resource; else for 30 days.
    ///   - change: gets the role that the API key has now.
    func idempotently(
        _ permission: Permission, _ sql: any SQLConnection, nowMs: Int64, keptForLife: Bool = false,
        _ change: (_ role: Role) throws -> Change
    ) throws -> Outcome {
        guard let key else {
            let role = try caller.require(permission, now: sql)
            return Outcome(answer: try change(role).answer, replayed: false)
        }
        let found = try sql.idempotencyKeys.get(
            apiKeyId: caller.keyId, teamId: caller.teamId, endpoint: endpoint, key: key.value)
        let role = try caller.require(permission, withRole: found?.role)
        if let known = found?.record { return try replay(known, key, sql) }
        let made = try change(role)
        try sql.idempotencyKeys.insert(
            teamId: caller.teamId, key: key.value,
            record: IdempotencyRecord(
                endpoint: endpoint, request: digest.text, resourceId: made.resourceId, answer: made.answer,
                createdAtMs: nowMs, expiresAtMs: keptForLife ? nil : nowMs + IdempotencyKey.retentionMs))
        return Outcome(answer: made.answer, replayed: false)
    }

    /// The first answer again, or 422 with the members that differ.
    private func replay(
        _ known: IdempotencyRecord, _ key: IdempotencyKey, _ sql: any SQLConnection
    ) throws -> Outcome {
        let differing = try digest.differences(from: RequestDigest(text: known.request))
        guard differing.isEmpty else {
            let subject = try known.resourceId.flatMap { id in
                try sql.resources.kind(id).map { ", to \($0.rawValue) \(id)" }
            }
            throw CloudError(
                .unprocessableEntity,
                "The Idempotency-Key \(key.value) was used for another request\(subject ?? "")"
                    + ". Send a new Idempotency-Key for a new request, or the first body again.",
                problems: differing.map { Problem($0, "differs from the first request with this key.") })
        }
        return Outcome(answer: known.answer, replayed: true)
    }
}

/// Makes the body that a change of a resource is answered with. It is stored with the idempotency key, so that a retry
/// gets the same bytes. `cost`: thousandths of RWF that the resource has cost so far; `nil` where nothing is billed.
public typealias Answer<Resource> = @Sendable (_ resource: Resource, _ cost: Int64?) throws -> String

extension ChangeRequest {
    /// Makes a change of a resource, or answers as the first time, by the rules of the other `idempotently`.
    func idempotently<Resource: Identifiable<Int64>>(
        _ permission: Permission, _ sql: any SQLConnection, _ cloud: Cloud, nowMs: Int64,
        keptForLife: Bool = false, answer: Answer<Resource>, _ change: () throws -> Resource
    ) throws -> Outcome {
        try idempotently(permission, sql, nowMs: nowMs, keptForLife: keptForLife) { _ in
            let resource = try change()
            let cost = try ReadCosts(resourceIds: [resource.id]).read(sql, cloud)[resource.id]
            return Change(resourceId: resource.id, answer: try answer(resource, cost))
        }
    }

    /// Makes a change of a resource in a transaction of its own, by the rules of `idempotently`, and wakes the worker unless
    /// the change was made before. Returns after the commit. Throws `FORBIDDEN` before the transaction when the caller's role
    /// never allows the change.
    func carryOut<Resource: Identifiable<Int64> & Sendable>(
        _ write: DurableWrite, _ permission: Permission, in cloud: Cloud, keptForLife: Bool = false,
        answer: @escaping Answer<Resource>,
        _ change: @escaping @Sendable (_ sql: any SQLConnection, _ nowMs: Int64) throws -> Resource
    ) async throws -> Outcome {
        try caller.require(permission)
        let outcome = try await cloud.database.write(write) { sql in
            let now = cloud.clock.nowMs
            return try idempotently(
                permission, sql, cloud, nowMs: now, keptForLife: keptForLife, answer: answer
            ) { try change(sql, now) }
        }
        if !outcome.replayed { cloud.wake() }
        return outcome
    }
}

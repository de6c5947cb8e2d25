import CloudCore
import CloudDatabase

/// A request that changes something: who asks, and what it takes to do it once however often it is sent
/// (API reference, "Idempotency").
public struct ChangeRequest: Sendable {
    /// Method and path below the base path: `POST /computes/325/start`. A key belongs to a team and an endpoint.
    public var endpoint: String
    public var key: IdempotencyKey?
    /// A digest of each member of the body that means something: what makes two requests the same.
    let digest: RequestDigest
    public var caller: Caller
    public var requestId: String
    /// The body to answer with. It is stored with the key, so that a retry gets the same bytes.
    /// - Parameter cost: thousandths of RWF that the compute has cost so far; `nil` where nothing is billed.
    public var answer: @Sendable (_ compute: Compute, _ cost: Int64?) throws -> String

    /// - Parameter members: those of the body that mean something to the endpoint, in canonical JSON.
    public init(
        endpoint: String, key: IdempotencyKey?, members: [String: String], caller: Caller, requestId: String,
        answer: @escaping @Sendable (_ compute: Compute, _ cost: Int64?) throws -> String
    ) {
        self.endpoint = endpoint
        self.key = key
        digest =
            key.map {
                RequestDigest(of: members, teamId: caller.teamId, endpoint: endpoint, key: $0.value)
            } ?? RequestDigest()
        self.caller = caller
        self.requestId = requestId
        self.answer = answer
    }

    /// What to answer, and whether it was answered before.
    public struct Outcome: Sendable, Equatable {
        public var answer: String
        public var replayed: Bool
    }

    /// Makes the change and stores its answer with the key, or gives the stored answer again. Throws `UNAUTHORIZED` when
    /// the API key was revoked meanwhile, `FORBIDDEN` when its role no longer allows changes, what `change` throws, and
    /// `UNPROCESSABLE_ENTITY` with the members that differ when the key was used for another request. What throws
    /// changes nothing, the key included.
    func once(
        _ sql: any SQLConnection, _ cloud: Cloud, nowMs: Int64, keptForLife: Bool = false,
        _ change: () throws -> Compute
    ) throws -> Outcome {
        func answered(_ compute: Compute) throws -> String {
            try answer(compute, try ReadCosts(computeIds: [compute.id]).read(sql, cloud)[compute.id])
        }
        guard let key else {
            try caller.require(.changeComputes, now: sql)
            return Outcome(answer: try answered(try change()), replayed: false)
        }
        let found = try sql.idempotencyKeys.get(
            apiKeyId: caller.keyId, teamId: caller.teamId, endpoint: endpoint, key: key.value)
        try caller.require(.changeComputes, withRole: found?.role)
        if let known = found?.record { return try replay(known, key, sql) }
        let compute = try change()
        let body = try answered(compute)
        try sql.idempotencyKeys.insert(
            teamId: caller.teamId, key: key.value,
            record: IdempotencyRecord(
                endpoint: endpoint, request: digest.text, resourceId: compute.id,
                answer: body, createdAtMs: nowMs,
                expiresAtMs: keptForLife ? nil : nowMs + IdempotencyKey.retentionMs
            ))
        return Outcome(answer: body, replayed: false)
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
                    + ". Send a new key for a new request, or the first body again.",
                problems: differing.map { Problem($0, "differs from the first request with this key.") })
        }
        return Outcome(answer: known.answer, replayed: true)
    }
}

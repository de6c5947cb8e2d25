import CloudCore
import CloudDatabase

/// `GET /idempotency-keys/{key}`: did it happen? Tells a client that lost the answer, without doing anything.
public struct FindIdempotencyKey: Sendable {
    public var key: IdempotencyKey
    public var caller: Caller

    /// A key is meant for one request; each endpoint that met it is told, up to this many.
    static let maxUses = 100

    public init(key: IdempotencyKey, caller: Caller) {
        self.key = key
        self.caller = caller
    }

    /// One request that used it.
    public struct Use: Sendable {
        /// Method and path below the base path.
        public var endpoint: String
        /// What it made or changed; `nil` for what is not a resource, such as an API key.
        public var resource: (kind: ResourceKind, id: Int64)?
        public var createdAtMs: Int64
        /// When the key is forgotten; `nil` while its resource lives.
        public var expiresAtMs: Int64?
    }

    /// Every request of the team that used the key, oldest first. Throws `RESOURCE_NOT_FOUND` when none did.
    public func run(in cloud: Cloud) async throws -> [Use] {
        let uses = try await cloud.database.glance { sql in
            try sql.idempotencyKeys.list(teamId: caller.teamId, key: key.value, limit: Self.maxUses)
        }
        guard uses.isEmpty else {
            return uses.map {
                Use(
                    endpoint: $0.record.endpoint, resource: $0.resource, createdAtMs: $0.record.createdAtMs,
                    expiresAtMs: $0.record.expiresAtMs)
            }
        }
        throw CloudError(
            .resourceNotFound,
            "No accepted request of this team used the Idempotency-Key \(key.value), or it was more than 30 days ago. "
                + "It is safe to send the request.",
            problems: [Problem("key", "no request used \(key.value).")])
    }
}

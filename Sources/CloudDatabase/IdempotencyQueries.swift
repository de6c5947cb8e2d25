import CloudCore

extension SQLConnection {
    public var idempotencyKeys: IdempotencyQueries { IdempotencyQueries(sql: self) }
}

/// What a key was first used for.
public struct IdempotencyRecord: Sendable, Equatable {
    /// Method and path below the base path: `POST /computes/325/start`.
    public var endpoint: String
    /// The digests of the request's members (`RequestDigest`), to tell a retry from another request.
    public var request: String
    public var resourceId: Int64?
    /// What a retry is answered with: the body that was answered, byte for byte. For an API key, whose body holds a secret, the
    /// message of the refusal.
    public var answer: String
    public var createdAtMs: Int64
    /// When the key is forgotten; `nil` while its resource lives.
    public var expiresAtMs: Int64?

    public init(
        endpoint: String, request: String, resourceId: Int64?, answer: String, createdAtMs: Int64,
        expiresAtMs: Int64? = nil
    ) {
        self.endpoint = endpoint
        self.request = request
        self.resourceId = resourceId
        self.answer = answer
        self.createdAtMs = createdAtMs
        self.expiresAtMs = expiresAtMs
    }

    init(_ row: SQLRow) throws {
        self.init(
            endpoint: try row.text("endpoint"), request: try row.text("request"),
            resourceId: try row.intOrNil("resource_id"), answer: try row.text("answer"),
            createdAtMs: try row.int("created_at_ms"), expiresAtMs: try row.intOrNil("expires_at_ms"))
    }
}

/// Idempotency keys, by team and endpoint (API reference: rotating the API key amid a retry is safe).
public struct IdempotencyQueries {
    let sql: any SQLConnection

    /// The role that the API key has now, and what the idempotency key was first used for at the endpoint, if it was;
    /// `nil` when the API key is revoked. One statement for both, so that the look at the API key costs no round trip.
    ///
    /// Whoever asks for the same idempotency key meanwhile waits until this transaction is over, and sees what it has done.
    public func get(
        apiKeyId: Int64, teamId: Int64, endpoint: String, key: String
    ) throws -> (role: Role, record: IdempotencyRecord?)? {
        if let turn = sql.dialect.turn { try sql.later(turn, ["\(teamId) \(endpoint) \(key)"]) }
        let row = try sql.query(
            """
            SELECT a.role, k.endpoint, k.request, k.resource_id, k.answer, k.created_at_ms, k.expires_at_ms
            FROM api_keys a LEFT JOIN idempotency_keys k
                ON k.team_id = a.team_id AND k.endpoint = $3 AND k.idempotency_key = $4
            WHERE a.id = $1 AND a.team_id = $2 AND a.revoked_at_ms IS NULL
            """,
            [apiKeyId, teamId, endpoint, key]
        ).first
        guard let row else { return nil }
        let isKnown = try row.textOrNil("endpoint") != nil
        return (try row.value("role"), isKnown ? try IdempotencyRecord(row) : nil)
    }

    /// Up to `limit` uses of the key with the resource of each, oldest first: each endpoint has its own.
    public func list(
        teamId: Int64, key: String, limit: Int
    ) throws -> [(record: IdempotencyRecord, resource: (kind: ResourceKind, id: Int64)?)] {
        try sql.query(
            """
            SELECT k.*, r.kind AS resource_kind FROM idempotency_keys k LEFT JOIN resources r ON r.id = k.resource_id
            WHERE k.team_id = $1 AND k.idempotency_key = $2
            ORDER BY k.created_at_ms, k.endpoint LIMIT $3
            """,
            [teamId, key, limit]
        ).map { row in
            let record = try IdempotencyRecord(row)
            return (record, try record.resourceId.map { (try row.value("resource_kind"), $0) })
        }
    }

    public func insert(teamId: Int64, key: String, record: IdempotencyRecord) throws {
        try sql.later(
            """
            INSERT INTO idempotency_keys (
                team_id, endpoint, idempotency_key, request, resource_id, answer, created_at_ms, expires_at_ms
            ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            """,
            [
                teamId, record.endpoint, key, record.request, record.resourceId, record.answer,
                record.createdAtMs, record.expiresAtMs,
            ])
    }

    /// Lets the keys of the resource that are kept for its life be forgotten from `atMs` on.
    public func expire(resourceId: Int64, atMs: Int64) throws {
        try sql.later(
            """
            UPDATE idempotency_keys SET expires_at_ms = $2 WHERE resource_id = $1 AND expires_at_ms IS NULL
            """,
            [resourceId, atMs])
    }

    /// Whether there is a key whose time is over.
    public func hasExpired(nowMs: Int64) throws -> Bool {
        try !sql.query("SELECT 1 AS found FROM idempotency_keys WHERE expires_at_ms <= $1 LIMIT 1", [nowMs])
            .isEmpty
    }

    /// Forgets at most `limit` of the keys whose time is over, and returns how many.
    public func removeExpired(nowMs: Int64, limit: Int) throws -> Int {
        try sql.execute(
            """
            DELETE FROM idempotency_keys WHERE (team_id, endpoint, idempotency_key) IN (
                SELECT team_id, endpoint, idempotency_key FROM idempotency_keys WHERE expires_at_ms <= $1 LIMIT $2
            )
            """,
            [nowMs, limit])
    }
}

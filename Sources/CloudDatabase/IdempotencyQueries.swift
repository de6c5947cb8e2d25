extension SQLConnection {
    public var idempotencyKeys: IdempotencyQueries { IdempotencyQueries(sql: self) }
}

/// What a key was first used for.
public struct IdempotencyRecord: Sendable, Equatable {
    /// The request's members in canonical JSON, to tell a retry from another request.
    public var request: String
    public var computeId: Int64
    /// The body that was answered, byte for byte.
    public var answer: String

    public init(request: String, computeId: Int64, answer: String) {
        self.request = request
        self.computeId = computeId
        self.answer = answer
    }
}

/// Idempotency keys, by team and endpoint (API reference: rotating the API key amid a retry is safe).
public struct IdempotencyQueries {
    let sql: any SQLConnection

    public func get(teamId: Int64, endpoint: String, key: String) throws -> IdempotencyRecord? {
        try sql.query(
            """
            SELECT request, compute_id, answer FROM idempotency_keys
            WHERE team_id = $1 AND endpoint = $2 AND idempotency_key = $3
            """,
            [teamId, endpoint, key]
        ).first.map {
            IdempotencyRecord(
                request: try $0.text("request"), computeId: try $0.int("compute_id"),
                answer: try $0.text("answer"))
        }
    }

    public func insert(
        teamId: Int64, endpoint: String, key: String, record: IdempotencyRecord, nowMs: Int64
    ) throws {
        try sql.execute(
            """
            INSERT INTO idempotency_keys (
                team_id, endpoint, idempotency_key, request, compute_id, answer, created_at_ms
            ) VALUES ($1, $2, $3, $4, $5, $6, $7)
            """,
            [teamId, endpoint, key, record.request, record.computeId, record.answer, nowMs])
    }

    /// Lets the compute's key be forgotten from `atMs` on: a key outlives its compute by a while.
    public func expire(computeId: Int64, atMs: Int64) throws {
        try sql.execute(
            "UPDATE idempotency_keys SET expires_at_ms = $2 WHERE compute_id = $1", [computeId, atMs])
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

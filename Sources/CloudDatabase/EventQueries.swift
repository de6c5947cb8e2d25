extension SQLConnection {
    public var events: EventQueries { EventQueries(sql: self) }
}

/// One thing that happened to a compute.
public struct Event: Sendable, Equatable {
    public var computeId: Int64
    public var teamId: Int64
    /// Dotted and lower case: `compute.created`.
    public var kind: String
    public var detail: String?
    /// The API key that asked for it; `nil` when it was the system.
    public var keyId: Int64?
    public var requestId: String?

    public init(
        computeId: Int64, teamId: Int64, kind: String, detail: String? = nil, keyId: Int64? = nil,
        requestId: String? = nil
    ) {
        self.computeId = computeId
        self.teamId = teamId
        self.kind = kind
        self.detail = detail
        self.keyId = keyId
        self.requestId = requestId
    }
}

/// What happened, append-only.
public struct EventQueries {
    let sql: any SQLConnection

    public func append(_ event: Event, nowMs: Int64) throws {
        try sql.execute(
            """
            INSERT INTO events (team_id, compute_id, at_ms, kind, detail, key_id, request_id)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            """,
            [event.teamId, event.computeId, nowMs, event.kind, event.detail, event.keyId, event.requestId])
    }

    /// The compute's events, oldest first.
    public func list(computeId: Int64, limit: Int) throws -> [Event] {
        try sql.query("SELECT * FROM events WHERE compute_id = $1 ORDER BY id LIMIT $2", [computeId, limit])
            .map {
                Event(
                    computeId: try $0.int("compute_id"), teamId: try $0.int("team_id"),
                    kind: try $0.text("kind"),
                    detail: try $0.textOrNil("detail"), keyId: try $0.intOrNil("key_id"),
                    requestId: try $0.textOrNil("request_id"))
            }
    }
}

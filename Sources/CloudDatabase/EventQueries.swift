import CloudCore

extension SQLConnection {
    public var events: EventQueries { EventQueries(sql: self) }
}

/// What happened, append-only. Who walks by ids reads `visible_events`, in which they appear in ascending order: who has
/// read up to an id has all before it (schema 10).
public struct EventQueries {
    let sql: any SQLConnection

    public func append(_ event: Event, nowMs: Int64) throws {
        try sql.later(
            """
            INSERT INTO events (team_id, resource_id, at_ms, kind, detail, actor, key_id, request_id)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            """,
            [
                event.teamId, event.resourceId, nowMs, event.kind, event.detail, event.actor.name,
                event.actor.keyId, event.requestId,
            ])
        if let teamId = event.teamId { sql.tell(.team(teamId)) }
    }

    /// The resource's events, oldest first.
    public func list(resourceId: Int64, limit: Int) throws -> [Event] {
        try sql.query(
            "SELECT * FROM events WHERE resource_id = $1 ORDER BY id LIMIT $2", [resourceId, limit]
        )
        .map(Self.event)
    }

    static func event(_ row: SQLRow) throws -> Event {
        Event(
            resourceId: try row.intOrNil("resource_id"), teamId: try row.intOrNil("team_id"),
            kind: try row.text("kind"), detail: try row.textOrNil("detail"), actor: try actor(row),
            requestId: try row.textOrNil("request_id"))
    }

    private static func actor(_ row: SQLRow) throws -> Event.Actor {
        switch try row.text("actor") {
        case "key": .key(try row.int("key_id"))
        case "operator": .operator
        default: .system
        }
    }
}

extension Event.Actor {
    var name: String {
        switch self {
        case .key: "key"
        case .operator: "operator"
        case .system: "system"
        }
    }

    var keyId: Int64? {
        switch self {
        case .key(let id): id
        case .operator, .system: nil
        }
    }
}

import CloudCore

/// Whose events are read.
public enum EventScope: Sendable, Equatable {
    case team(Int64)
    case resource(Int64)

    fileprivate var column: String {
        switch self {
        case .team: "e.team_id"
        case .resource: "e.resource_id"
        }
    }

    fileprivate var id: Int64 {
        switch self {
        case .team(let id), .resource(let id): id
        }
    }
}

extension EventQueries {
    private static var select: String {
        """
        SELECT e.*, k.name AS key_name, r.kind AS resource_kind FROM visible_events e
        LEFT JOIN api_keys k ON k.id = e.key_id LEFT JOIN resources r ON r.id = e.resource_id
        """
    }

    /// At most `limit` events with an id smaller than `before`, newest first, without the first `offset`.
    public func newest(
        _ scope: EventScope, before: Int64 = .max, limit: Int, offset: Int = 0
    ) throws -> [EventRecord] {
        try sql.query(
            """
            \(Self.select) WHERE \(scope.column) = $1 AND e.id < $2
            ORDER BY e.id DESC LIMIT $3 OFFSET $4
            """,
            [scope.id, before, limit, offset]
        ).map(Self.record)
    }

    /// At most `limit` events with an id greater than `after`, oldest first.
    public func following(_ scope: EventScope, after: Int64, limit: Int) throws -> [EventRecord] {
        try sql.query(
            "\(Self.select) WHERE \(scope.column) = $1 AND e.id > $2 ORDER BY e.id LIMIT $3",
            [scope.id, after, limit]
        ).map(Self.record)
    }

    public func count(_ scope: EventScope) throws -> Int {
        Int(
            try sql.query(
                "SELECT COUNT(*) AS n FROM visible_events e WHERE \(scope.column) = $1", [scope.id])[0].int(
                    "n"))
    }

    /// The id of the newest event; 0 before the first.
    public func newestId(_ scope: EventScope) throws -> Int64 {
        try sql.query(
            "SELECT COALESCE(MAX(e.id), 0) AS id FROM visible_events e WHERE \(scope.column) = $1", [scope.id]
        )[
            0
        ].int("id")
    }

    private static func record(_ row: SQLRow) throws -> EventRecord {
        EventRecord(
            id: try row.int("id"), atMs: try row.int("at_ms"), event: try event(row),
            resourceKind: try row.valueOrNil("resource_kind"),
            keyName: try row.textOrNil("key_name"))
    }
}

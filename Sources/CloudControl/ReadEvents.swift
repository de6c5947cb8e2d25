import CloudCore
import CloudDatabase

/// `GET /audit-logs`: a page of the team's events, newest first. Every role may look.
public struct ListAuditLog: Sendable {
    public var page: Page
    public var caller: Caller

    public init(page: Page, caller: Caller) {
        self.page = page
        self.caller = caller
    }

    public func run(in cloud: Cloud) async throws -> PageItems<EventRecord> {
        try await cloud.database.glance { sql in try sql.events.page(page, of: .team(caller.teamId)) }
    }
}

/// `GET /computes/{id}/events`: a page of one compute's events, newest first, also after its end.
public struct ListComputeEvents: Sendable {
    public var id: Int64
    public var page: Page
    public var caller: Caller

    public init(id: Int64, page: Page, caller: Caller) {
        self.id = id
        self.page = page
        self.caller = caller
    }

    /// Throws `RESOURCE_NOT_FOUND` for a compute that the team never had.
    public func run(in cloud: Cloud) async throws -> PageItems<EventRecord> {
        try await cloud.database.glance { sql in
            guard try sql.computes.getEvenDestroyed(id, teamId: caller.teamId) != nil else {
                throw GetCompute.notFound(id)
            }
            return try sql.events.page(page, of: .resource(id))
        }
    }
}

extension EventQueries {
    fileprivate func page(_ page: Page, of scope: EventScope) throws -> PageItems<EventRecord> {
        PageItems(
            try newest(scope, before: page.before, limit: page.limit + 1, offset: page.offset),
            page, of: .events, total: page.cursor == nil ? try count(scope) : nil, id: \.id)
    }
}

/// `GET /events`: the team's events as they happen, oldest first, each once.
public struct FollowEvents: Sendable {
    public var caller: Caller

    /// Events that are read, and held, at a time.
    static let batch = 100

    public init(caller: Caller) { self.caller = caller }

    /// The id behind which to begin: `after`, or that of the newest event. One that was never given out, as after a
    /// restored backup, counts as the newest, lest what comes next be taken for known.
    public func start(after: Int64?, in cloud: Cloud) async throws -> Int64 {
        try await cloud.database.glance { sql in
            min(after ?? .max, try sql.events.newestId(.team(caller.teamId)))
        }
    }

    /// The next events behind the one with id `after`. Without any, waits for a commit, at most `limit`, or until the
    /// task is cancelled, and then returns none: ask again. Throws `UNAUTHORIZED` once the key is revoked: a stream must not
    /// outlive it.
    public func next(after: Int64, atMost limit: Duration, in cloud: Cloud) async throws -> [EventRecord] {
        let changes = cloud.database.changes
        let seen = changes.count
        let events = try await cloud.database.glance { sql in
            try caller.require(.view, now: sql)
            return try sql.events.following(.team(caller.teamId), after: after, limit: Self.batch)
        }
        if events.isEmpty { await changes.wait(for: caller.teamId, after: seen, atMost: limit) }
        return events
    }
}

import CloudCore
import CloudDatabase

/// `GET /snapshots/{id}`.
public struct GetSnapshot: Sendable {
    public var id: Int64
    public var caller: Caller

    public init(id: Int64, caller: Caller) {
        self.id = id
        self.caller = caller
    }

    /// Throws `RESOURCE_NOT_FOUND`, also for another team's snapshot and for one that is DELETED.
    public func run(in cloud: Cloud) async throws -> Snapshot {
        try await cloud.database.glance { sql in try Self.find(id, teamId: caller.teamId, sql) }
    }

    /// - Parameter field: what named it in a body; `nil`: the path did.
    static func find(
        _ id: Int64, teamId: Int64, field: String? = nil, _ sql: any SQLConnection
    ) throws -> Snapshot {
        if let snapshot = try sql.snapshots.get(id, teamId: teamId) { return snapshot }
        throw notFound(id, field: field)
    }

    static func notFound(_ id: Int64, field: String? = nil) -> CloudError {
        CloudError(
            .resourceNotFound,
            "This team has no snapshot \(id). GET /snapshots lists the snapshots that it has.",
            problems: [Problem(field ?? "id", "no snapshot \(id).")])
    }
}

extension Snapshot {
    /// Throws `CONFLICT` with the state and a remedy unless a disk can be made of it.
    func requireReady() throws(CloudError) {
        let remedy =
            switch state {
            case .ready: ""
            case .taking: "Wait until it is READY: GET /snapshots/\(id)?wait=READY."
            case .failed, .deleting, .deleted: "Choose another: GET /snapshots?state=READY."
            }
        guard state != .ready else { return }
        throw CloudError(
            .conflict, "Snapshot \(id) is \(state.rawValue), and no disk can be made of it. \(remedy)",
            problems: [Problem("snapshot", "is \(state.rawValue).")])
    }
}

/// `GET /snapshots`: a page of those of the team's snapshots that pass the filter, newest first.
public struct ListSnapshots: Sendable {
    public var page: Page
    public var filter: SnapshotFilter
    public var caller: Caller

    public init(page: Page, filter: SnapshotFilter = SnapshotFilter(), caller: Caller) {
        self.page = page
        self.filter = filter
        self.caller = caller
    }

    public func run(in cloud: Cloud) async throws -> PageItems<Snapshot> {
        try await cloud.database.glance { sql in
            let snapshots = try sql.snapshots.list(
                teamId: caller.teamId, filter: filter, before: page.before, limit: page.limit + 1,
                offset: page.offset)
            let total =
                page.cursor == nil ? try sql.snapshots.count(teamId: caller.teamId, filter: filter) : nil
            return PageItems(snapshots, page, of: .snapshots, total: total, id: \.id)
        }
    }
}

/// `GET /snapshots/{id}?wait=…`: answers as soon as the snapshot is in a state that is waited for.
public struct WaitForSnapshot: Sendable {
    public var id: Int64
    public var wait: SnapshotWait
    public var caller: Caller

    public init(id: Int64, wait: SnapshotWait, caller: Caller) {
        self.id = id
        self.wait = wait
        self.caller = caller
    }

    /// The snapshot as it is when it has reached one of the states, or can't any more, or the time is up, or the task is
    /// cancelled. Throws `UNAUTHORIZED` once the key is revoked, and `RESOURCE_NOT_FOUND` once it is DELETED, unless that is
    /// waited for.
    public func run(in cloud: Cloud) async throws -> Snapshot {
        let evenDeleted = wait.states.contains(.deleted)
        return try await wait.run(caller, in: cloud, state: { $0.state }) { sql in
            guard let snapshot = try sql.snapshots.get(id, teamId: caller.teamId, evenDeleted: evenDeleted)
            else { throw GetSnapshot.notFound(id) }
            return snapshot
        }
    }
}

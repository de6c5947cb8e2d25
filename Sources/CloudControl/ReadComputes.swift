import CloudCore
import CloudDatabase

/// `GET /computes/{id}`.
public struct GetCompute: Sendable {
    public var id: Int64
    public var teamId: Int64

    public init(id: Int64, caller: Caller) {
        self.id = id
        teamId = caller.teamId
    }

    /// A guest's own compute.
    public init(guest: Guest) {
        id = guest.computeId
        teamId = guest.teamId
    }

    /// Throws `RESOURCE_NOT_FOUND`, also for another team's compute and for one that is DESTROYED.
    public func run(in cloud: Cloud) async throws -> Compute {
        let now = cloud.clock.nowMs
        return try await cloud.database.glance { sql in
            try sql.shown([try Self.find(id, teamId: teamId, sql)], cloud, nowMs: now)[0]
        }
    }

    static func find(_ id: Int64, _ caller: Caller, _ sql: any SQLConnection) throws -> Compute {
        try find(id, teamId: caller.teamId, sql)
    }

    private static func find(_ id: Int64, teamId: Int64, _ sql: any SQLConnection) throws -> Compute {
        if let compute = try sql.computes.get(id, teamId: teamId) { return compute }
        throw notFound(id)
    }

    public static func notFound(_ id: Int64) -> CloudError {
        CloudError(
            .resourceNotFound,
            "There is no compute \(id) in this team. GET /computes lists those that exist.",
            problems: [Problem("id", "no compute \(id).")])
    }
}

/// `GET /computes`: a page of those of the team's computes that pass the filter, newest first.
public struct ListComputes: Sendable {
    public var page: Page
    public var filter: ComputeFilter
    public var caller: Caller

    public init(page: Page, filter: ComputeFilter = ComputeFilter(), caller: Caller) {
        self.page = page
        self.filter = filter
        self.caller = caller
    }

    public func run(in cloud: Cloud) async throws -> PageItems<Compute> {
        let now = cloud.clock.nowMs
        return try await cloud.database.glance { sql in
            let (computes, total): ([Compute], Int?) =
                if page.cursor == nil {
                    try sql.computes.page(
                        teamId: caller.teamId, filter: filter, offset: page.offset, limit: page.limit + 1)
                } else {
                    (
                        try sql.computes.list(
                            teamId: caller.teamId, filter: filter, before: page.before, limit: page.limit + 1),
                        nil
                    )
                }
            return PageItems(
                try sql.shown(computes, cloud, nowMs: now), page, of: .computes, total: total, id: \.id)
        }
    }
}

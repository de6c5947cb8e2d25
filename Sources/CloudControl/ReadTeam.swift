import CloudCore
import CloudDatabase

/// `GET /team`: the caller's own team.
public struct GetTeam: Sendable {
    public var caller: Caller

    public init(caller: Caller) { self.caller = caller }

    /// The team, and what its wallet allows.
    public func run(in cloud: Cloud) async throws -> (team: Team, standing: TeamStanding) {
        try caller.require(.view)
        let found = try await cloud.database.glance { sql in
            try sql.teams.get(caller.teamId).map { ($0, try sql.wallets.get($0.id).standing) }
        }
        // Its keys are revoked with it, so only a request that is under way meanwhile gets here.
        guard let found else {
            throw CloudError(.unauthorized, "The team was deleted. Use another team's key.")
        }
        return found
    }
}

/// `GET /keys`: a page of the team's keys, newest first, those that are revoked among them.
public struct ListKeys: Sendable {
    public var page: Page
    public var teamId: Int64

    /// - Parameter caller: any role.
    public init(page: Page, caller: Caller) throws(CloudError) {
        try caller.require(.view)
        self.page = page
        teamId = caller.teamId
    }

    public func run(in cloud: Cloud) async throws -> (keys: [TeamKey], total: Int) {
        try await cloud.database.glance { sql in
            (
                try sql.keys.list(teamId: teamId, limit: page.limit, offset: page.offset),
                try sql.keys.count(teamId: teamId)
            )
        }
    }
}

/// What the operator sees of a team.
public struct TeamReport: Sendable {
    public var team: Team
    public var standing: TeamStanding
    /// Keys that work, oldest first.
    public var keys: [TeamKey]
    /// Computes that are not DESTROYED.
    public var computes: Int
}

/// All teams, by name. For the operator, not for callers of the API.
public struct ReportTeams: Sendable {
    public init() {}

    public func run(in cloud: Cloud) async throws -> [TeamReport] {
        try await cloud.database.read { sql in try sql.teams.list().map { try Self.report($0, sql) } }
    }

    /// The team with this name. Throws `RESOURCE_NOT_FOUND`.
    public func run(name: String, in cloud: Cloud) async throws -> TeamReport {
        try await cloud.database.read { sql in
            guard let team = try sql.teams.get(name: name) else {
                throw CloudError(
                    .resourceNotFound,
                    "There is no team '\(name.shown)'. See 'strettch admin team list', or make it with 'strettch admin "
                        + "team create'.")
            }
            return try Self.report(team, sql)
        }
    }

    private static func report(_ team: Team, _ sql: any SQLConnection) throws -> TeamReport {
        TeamReport(
            team: team, standing: try sql.wallets.get(team.id).standing,
            keys: try sql.keys.working(teamId: team.id),
            computes: try sql.computes.count(teamId: team.id))
    }
}

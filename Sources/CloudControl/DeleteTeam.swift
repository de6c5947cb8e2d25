import CloudCore
import CloudDatabase

/// Deletes a team that has neither computes nor snapshots left, and revokes its keys. Its name and network are free again; its rows stay
/// for the audit log. For the operator, not for callers of the API.
public struct DeleteTeam: Sendable {
    public var teamId: Int64

    public init(teamId: Int64) { self.teamId = teamId }

    /// Throws `RESOURCE_NOT_FOUND`, and `CONFLICT` that names the computes or snapshots that are left.
    public func run(in cloud: Cloud) async throws {
        let now = cloud.clock.nowMs
        try await cloud.database.write(.deleteTeam) { sql in
            guard let team = try sql.teams.get(teamId) else {
                throw CloudError(.resourceNotFound, "There is no team \(teamId).")
            }
            try checkEmpty(team, sql)
            for key in try sql.keys.working(teamId: teamId) {
                try sql.keys.revoke(key.id, nowMs: now)
                try append("key.revoked", key.eventDetail, sql, nowMs: now)
            }
            try sql.teams.delete(teamId, nowMs: now)
            try sql.addresses.forget(teamId: teamId)
            try append("team.deleted", team.name, sql, nowMs: now)
        }
    }

    private func append(_ kind: String, _ detail: String, _ sql: any SQLConnection, nowMs: Int64) throws {
        try sql.events.append(
            Event(resourceId: nil, teamId: teamId, kind: kind, detail: detail, actor: .operator), nowMs: nowMs
        )
    }

    private func checkEmpty(_ team: Team, _ sql: any SQLConnection) throws {
        let count = try sql.computes.count(teamId: teamId)
        guard count > 0 else { return try checkSnapshots(team, sql) }
        let left = try sql.computes.list(teamId: teamId, limit: ChangeHost.maxNamed + 1)
        let names = ChangeHost.named(left.map { ($0.id, $0.hostName) })
        throw CloudError(
            .conflict,
            "The team '\(team.name.shown)' has \(count) computes left: \(names). "
                + "Delete them first, and wait until they are gone.")
    }

    private func checkSnapshots(_ team: Team, _ sql: any SQLConnection) throws {
        let left = try sql.snapshots.left(on: .team(teamId), limit: ChangeHost.maxNamed + 1)
        guard !left.isEmpty else { return }
        throw CloudError(
            .conflict,
            "The team '\(team.name.shown)' has snapshots left: \(ChangeHost.named(left)). "
                + "Delete them first, and wait until they are gone.")
    }
}

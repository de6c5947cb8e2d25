import CloudCore
import CloudDatabase

/// Deletes a team that has no computes, snapshots or images left, and revokes its keys. Its name and network are free again;
/// its rows stay for the audit log. For the operator, not for callers of the API.
public struct DeleteTeam: Sendable {
    public var teamId: Int64
    /// Computes that a refusal names.
    static let maxNamed = 10

    public init(teamId: Int64) { self.teamId = teamId }

    /// Throws `RESOURCE_NOT_FOUND`, and `CONFLICT` that names the computes, snapshots or images that are left.
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
        guard count > 0 else {
            let holder = SnapshotQueries.Holder.team(teamId)
            let limit = ChangeHost.maxNamed + 1
            try check(team, "snapshots", try sql.snapshots.left(on: holder, limit: limit))
            return try check(team, "images", try sql.images.left(on: holder, limit: limit))
        }
        let first = try sql.computes.list(teamId: teamId, limit: Self.maxNamed)
        let names = first.map { "\($0.hostName) (\($0.id))" }.joined(separator: ", ")
        throw CloudError(
            .conflict,
            "The team '\(team.name.shown)' has \(count) computes left: \(names)\(count > first.count ? ", …" : ""). "
                + "Delete them first, and wait until they are gone.")
    }

    private func check(_ team: Team, _ what: String, _ left: [(id: Int64, name: String)]) throws {
        guard !left.isEmpty else { return }
        throw CloudError(
            .conflict,
            "The team '\(team.name.shown)' has \(what) left: \(ChangeHost.named(left)). "
                + "Delete them first, and wait until they are gone.")
    }
}

import CloudCore
import CloudDatabase

/// Makes a team with a private network of its own and its first owner's key. For the operator, not for callers of the
/// API.
public struct CreateTeam: Sendable {
    public var name: String
    /// What the first key is called.
    public var keyName: String

    public init(name: String, keyName: String = "owner") {
        self.name = name
        self.keyName = keyName
    }

    public struct Outcome: Sendable {
        public var team: Team
        public var key: CreatedKey
    }

    /// Throws `VALIDATION_ERROR` for a name, `CONFLICT` when it is taken, `UNPROCESSABLE_ENTITY` when no network is
    /// left.
    public func run(in cloud: Cloud) async throws -> Outcome {
        let now = cloud.clock.nowMs
        let settings = cloud.settings
        let secret = APIKey.make(cloud.randomBytes)
        return try await cloud.database.write(.createTeam) { sql in
            try insert(sql, settings, secret: secret, nowMs: now)
        }
    }

    func insert(
        _ sql: any SQLConnection, _ settings: CloudSettings, secret: String, nowMs: Int64
    ) throws -> Outcome {
        if let problem = DisplayName.problem(name) { throw CloudError.invalid([Problem("name", problem)]) }
        guard try sql.teams.get(name: name) == nil else {
            throw CloudError(.conflict, "A team named '\(name.shown)' exists. Choose another name.")
        }
        let network = try Self.lowestFree(settings, taken: try sql.teams.networks())
        let id = try sql.teams.insert(name: name, network: network, nowMs: nowMs)
        try sql.events.append(
            Event(resourceId: nil, teamId: id, kind: "team.created", detail: name, actor: .operator),
            nowMs: nowMs)
        let key = try CreateKey(name: keyName, role: .owner, by: .operator(teamId: id))
            .insert(sql, secret: secret, nowMs: nowMs)
        guard let team = try sql.teams.get(id) else { throw CloudError.bug("team \(id) vanished") }
        return Outcome(team: team, key: key)
    }

    /// The lowest block of the private range that overlaps none of `taken`, which is in ascending order.
    static func lowestFree(_ settings: CloudSettings, taken: [IPv4Network]) throws(CloudError) -> IPv4Network
    {
        var index: UInt64 = 0
        var rest = taken[...]
        while let candidate = settings.privateRange.subnet(index, prefix: settings.teamPrefix) {
            while let first = rest.first, first.last < candidate.base { rest = rest.dropFirst() }
            guard let first = rest.first, first.base <= candidate.last else { return candidate }
            index += 1
        }
        throw CloudError(
            .unprocessableEntity,
            "The private range \(settings.privateRange) has no /\(settings.teamPrefix) left for another team. Configure a "
                + "larger range, or delete a team.")
    }
}

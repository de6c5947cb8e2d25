import CloudCore
import CloudDatabase

/// Makes a team with a private network of its own. For the operator, not for callers of the API.
public struct CreateTeam: Sendable {
    public var name: String

    public init(name: String) { self.name = name }

    /// The new team's id. Throws `CONFLICT` when the name is taken, `UNPROCESSABLE_ENTITY` when no network is left.
    public func run(in cloud: Cloud) async throws -> Int64 {
        let now = cloud.clock.nowMs
        let settings = cloud.settings
        return try await cloud.database.write { sql in try insert(sql, settings, nowMs: now) }
    }

    func insert(_ sql: any SQLConnection, _ settings: CloudSettings, nowMs: Int64) throws -> Int64 {
        guard try sql.teams.id(name: name) == nil else {
            throw CloudError(.conflict, "A team named '\(name.shown)' exists. Choose another name.")
        }
        let network = try Self.lowestFree(settings, taken: try sql.teams.networks())
        return try sql.teams.insert(name: name, network: network, nowMs: nowMs)
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
                + "larger range.")
    }
}

/// Makes an API key for a team. For the operator, not for callers of the API.
public struct CreateKey: Sendable {
    public var teamId: Int64
    public var name: String
    public var role: Role

    public init(teamId: Int64, name: String, role: Role) {
        self.teamId = teamId
        self.name = name
        self.role = role
    }

    /// The key, which can't be had again: only its hash is stored.
    public func run(in cloud: Cloud) async throws -> String {
        let key = APIKey.make(cloud.randomBytes)
        let hash = APIKey.hash(key)
        let now = cloud.clock.nowMs
        try await cloud.database.write { sql in
            _ = try sql.teams.insertKey(teamId: teamId, name: name, role: role, hash: hash, nowMs: now)
        }
        return key
    }
}

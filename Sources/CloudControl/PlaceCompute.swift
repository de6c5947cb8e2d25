import CloudCore
import CloudDatabase

/// Finds the host of a new compute and takes its room there, in the transaction that makes the compute.
struct PlaceCompute {
    var teamId: Int64
    var specification: Specification
    var region: String
    var image: String
    var tags: [String]

    /// Times that all candidates may be taken by others meanwhile, where several transactions go on at once.
    static let maxRounds = 3

    /// The host's id. Throws `UNPROCESSABLE_ENTITY` with the reasons, each with the number of hosts, when there is no room.
    func run(_ sql: any SQLConnection, _ cloud: Cloud, nowMs: Int64) throws -> Int64 {
        let demand = Placement.Demand(
            resources: specification.resources, region: region, image: image,
            apartFrom: try sql.hosts.sharing(teamId: teamId, tags: Tag.apart(tags)))
        if let id = try Self.takeRoom(demand, sql, cloud, nowMs: nowMs) { return id }
        throw Placement.refusal(
            of: specification, try sql.hosts.refusals(of: demand, nowMs: nowMs), only: try sql.hosts.only())
    }

    /// The id of the host whose room is taken; `nil`: there is none.
    static func takeRoom(
        _ demand: Placement.Demand, _ sql: any SQLConnection, _ cloud: Cloud, nowMs: Int64
    ) throws -> Int64? {
        let policy = cloud.settings.placement
        for _ in 0..<maxRounds {
            let candidates = try sql.hosts.candidates(
                for: demand, policy: policy, nowMs: nowMs,
                limit: Placement.maxCandidates + demand.apartFrom.count)
            let order = Placement.order(
                candidates, for: demand, policy: policy, nowMs: nowMs, random: random(cloud))
            for id in order where try sql.hosts.takeRoom(id, demand.resources) { return id }
            if order.isEmpty { break }
        }
        return nil
    }

    private static func random(_ cloud: Cloud) -> UInt64 {
        cloud.randomBytes(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}

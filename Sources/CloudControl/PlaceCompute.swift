import CloudCore
import CloudDatabase

/// Finds the host of a new compute and takes its room there, in the transaction that makes the compute.
struct PlaceCompute {
    var teamId: Int64
    var specification: Specification
    var region: String
    var image: String
    var tags: [String]
    /// The snapshot that the disk is to be a copy of.
    var snapshot: Snapshot?

    /// Times that the hosts that had room may be full when it comes to it, where several transactions go on at once.
    static let maxRounds = 16
    /// Hosts that are tried before it waits for the best of them.
    static let maxSkips = 4

    /// The host's id. Throws `UNPROCESSABLE_ENTITY` with the reasons, each with the number of hosts, when there is no room,
    /// and `SERVICE_UNAVAILABLE` when the hosts that have room are down, or others were quicker each time.
    func run(_ sql: any SQLConnection, _ cloud: Cloud, nowMs: Int64) throws -> Int64 {
        var demand = Placement.Demand(
            resources: specification.resources, region: region, image: image,
            apartFrom: try sql.hosts.sharing(teamId: teamId, tags: Tag.apart(tags)))
        if let snapshot {
            demand.store = try sql.hosts.get(snapshot.hostId)?.store
            if demand.store == nil { demand.onlyHost = snapshot.hostId }
        }
        if let id = try Self.takeRoom(demand, sql, cloud, nowMs: nowMs) { return id }
        // The database may have been out of reach for so long that this program's own host looks dead. Whoever can make a
        // compute can as well say that the host lives.
        if let own = cloud.ownHost(), try sql.hosts.get(own.id)?.isDown(nowMs: nowMs) == true,
            try sql.hosts.beat(own.id, epoch: own.epoch, nowMs: nowMs),
            let id = try Self.takeRoom(demand, sql, cloud, nowMs: nowMs)
        {
            return id
        }
        throw Placement.refusal(
            of: specification, try sql.hosts.refusals(of: demand, nowMs: nowMs), only: try sql.hosts.only())
    }

    /// The id of the host whose room is taken; `nil`: there is none. Throws `SERVICE_UNAVAILABLE` as `run` does.
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
            guard let best = order.first else { return nil }
            // Creates that go on at once find the same hosts the best: each goes past those that others are changing.
            for id in order.prefix(order.count > 1 ? maxSkips : 0) {
                if try sql.hosts.takeRoom(id, demand.resources, waits: false) { return id }
            }
            if try sql.hosts.takeRoom(best, demand.resources) { return best }
        }
        throw CloudError(
            .serviceUnavailable, "Too many computes are created at once. Try again. Nothing was done.",
            detail: "the hosts found were full in \(maxRounds) rounds")
    }

    private static func random(_ cloud: Cloud) -> UInt64 {
        cloud.randomBytes(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}

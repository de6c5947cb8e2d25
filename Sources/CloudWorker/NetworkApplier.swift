import CloudCore
import CloudDatabase
import CloudMachines

/// The one owner of the host's network. Many steps ask at once; each gets an application whose rows were read after it
/// asked, and those that wait together share one. Repairs come one after the other with them.
public actor NetworkApplier {
    private let database: any Database
    private let host: any MachineHost
    private let claim: HostClaim
    private let clock: any CloudClock
    /// What other hosts have to do with the host's network, as it was last made.
    private var others = NetworkRows.Others()
    /// The host's computes that had their place in its network when that was last made.
    private var attached: Set<Int64> = []
    /// The last of all that were asked for.
    private var last: Task<Void, any Error>?
    /// An application that has not begun, so that others can share it.
    private var queued: Task<Void, any Error>?

    /// The longest that one application takes. Who asks may wait for the one before it too, and for both together not as
    /// long as a step may last (`Worker.stepTimeout`).
    static let limit = Duration.seconds(25)

    public init(database: any Database, host: any MachineHost, claim: HostClaim, clock: any CloudClock) {
        self.database = database
        self.host = host
        self.claim = claim
        self.clock = clock
    }

    /// Makes the host's network what the database says. Throws what the host throws, also when the host takes too long.
    public func apply() async throws {
        if let queued { return try await queued.value }
        let previous = last
        let task = Task {
            _ = await previous?.result
            self.queued = nil
            try await self.applyNow()
        }
        (queued, last) = (task, task)
        try await task.value
    }

    /// Looks whether the host's network is what the database says, and makes it so if it is not. Throws what the host
    /// throws.
    func repair() async throws -> NetworkRepair {
        let previous = last
        let task = Task {
            _ = await previous?.result
            return try await self.repairNow()
        }
        last = Task { _ = try await task.value }
        return try await task.value
    }

    private func applyNow() async throws {
        try await apply(try await rows())
    }

    private func apply(_ rows: NetworkRows) async throws {
        let (host, plan) = (host, rows.plan)
        try await withTimeout(
            Self.limit, by: clock, late: .late("Setting up the host's network", after: Self.limit)
        ) {
            try await host.applyNetwork(plan)
        }
        others = rows.others
        attached = Set(plan.attachments.map(\.computeId))
    }

    private func repairNow() async throws -> NetworkRepair {
        let rows = try await rows()
        // What came about on other hosts meanwhile, or came from one, was changed by nobody's hand.
        if rows.others != others || !rows.settled.isSubset(of: attached) { try await apply(rows) }
        let found = NetworkDrift(try await drift(from: rows))
        guard !found.isEmpty else { return NetworkRepair(found: found) }
        try await apply(rows)
        return NetworkRepair(
            found: found, left: try await drift(from: rows),
            places: rows.places.filter { found.isAbout(NetworkAttachment($0)) })
    }

    private func drift(from rows: NetworkRows) async throws -> [String] {
        try await host.networkDrift(
            of: rows.places, remotes: rows.others.remotes, spareTaps: rows.others.spareTaps)
    }

    /// Tells the host's network of teammates that came to other hosts, or left them, and of computes that came here from
    /// another host. Most looks change nothing.
    func followTeammates() async throws {
        let claim = claim
        let (present, settled) = try await database.glance { sql in
            let hostId = try claim.check(sql)
            return (
                try NetworkRows.Others(sql, hostId: hostId),
                try sql.hosts.machines(hostId, steps: ComputeStep.settled)
            )
        }
        if present != others || !settled.isSubset(of: attached) { try await apply() }
    }

    private func rows() async throws -> NetworkRows {
        let claim = claim
        return try await database.glance { sql in try NetworkRows(sql, hostId: try claim.check(sql)) }
    }
}

/// All that a host's network follows from.
private struct NetworkRows {
    var places: [ComputePlace]
    var others: Others

    /// What follows from computes of other hosts, and from those that move.
    struct Others: Equatable {
        /// By compute.
        var remotes: [RemoteAttachment] = []
        var spareTaps: Set<Int64> = []
        /// Which of the host's computes have come from others: one that goes back leaves the network.
        var arrived: Set<Int64> = []

        init() {}

        init(_ sql: any SQLConnection, hostId: Int64) throws {
            remotes = try sql.hosts.teammates(of: hostId).compactMap { compute, underlay in
                RemoteAttachment(compute, underlay: underlay)
            }
            let moves = try sql.moves.list(hostId: hostId)
            spareTaps = Set(
                moves.filter { $0.step.spareTap == $0.side(of: hostId) }.map(\.computeId))
            arrived = Set(
                moves.filter { $0.step.home == .destination && $0.destinationId == hostId }.map(\.computeId))
        }
    }

    init(_ sql: any SQLConnection, hostId: Int64) throws {
        places = try sql.computes.places(steps: ComputeStep.attached, hostId: hostId)
        others = try Others(sql, hostId: hostId)
    }

    /// Those that must have their place already.
    var settled: Set<Int64> {
        Set(places.filter { $0.step.network == .must }.map(\.computeId))
    }

    var plan: NetworkPlan {
        NetworkPlan(places, remotes: others.remotes, spareTaps: others.spareTaps) { $0 != .mustNot }
    }
}

/// What a look at the host's network found, and what became of it.
struct NetworkRepair: Sendable {
    var found: NetworkDrift
    /// What differs still.
    var left: [String] = []
    /// Those that what was found is about.
    var places: [ComputePlace] = []
}

import CloudCore
import CloudDatabase

/// Gives the computes of a host that is lost to other hosts that have their disks, which start again there what ran. For
/// the operator, not for callers of the API.
///
/// Nobody but the operator can know that the host is off, and not merely silent: two guests that write to one disk destroy
/// it. So he says so.
public struct EvacuateHost: Sendable {
    public var name: String
    /// Whether the operator says that nothing on the host runs any more, or can reach disks and network.
    public var isFenced: Bool

    /// Computes that are moved in one transaction, which others wait for.
    public static let maxTogether = 20

    public init(name: String, isFenced: Bool) {
        self.name = name
        self.isFenced = isFenced
    }

    /// What became of the host's computes.
    public struct Report: Sendable, Equatable {
        public var host: String
        public var moved: [Moved] = []
        /// Those that stay where they are.
        public var left: [Left] = []
    }

    /// A compute that is another host's now.
    public struct Moved: Sendable, Equatable {
        public var id: Int64
        public var name: String
        /// The other host's name.
        public var to: String
        /// What it shows now.
        public var state: ComputeState
    }

    /// A compute that is the lost host's still.
    public struct Left: Sendable, Equatable {
        public var id: Int64
        public var name: String
        public var state: ComputeState
        /// Why it could not be moved.
        public var reason: String
    }

    /// Returns when every compute was looked at once. Repeating it is harmless, and goes on with what was left. Throws
    /// `VALIDATION_ERROR` unless the host is fenced, `RESOURCE_NOT_FOUND`, and `CONFLICT` when a worker of the host lives.
    public func run(in cloud: Cloud) async throws -> Report {
        guard isFenced else { throw notFenced }
        let hostId = try await fence(cloud)
        var report = Report(host: name)
        var afterId: Int64 = 0
        // As many turns as there are pages of its computes.
        while true {
            let after = afterId
            let page = try await cloud.database.write(.evacuateComputes) { sql in
                try moveSome(of: hostId, after: after, sql, cloud)
            }
            report.moved += page.moved
            report.left += page.left
            if !page.moved.isEmpty { cloud.wake() }
            guard let last = page.lastId else { break }
            afterId = last
        }
        try await giveSnapshots(of: hostId, cloud)
        try await EvacuateImages(hostId: hostId).run(in: cloud)
        return report
    }

    /// Gives the snapshots to a host that reaches the folder in which they lie, if there is one.
    private func giveSnapshots(of hostId: Int64, _ cloud: Cloud) async throws {
        let now = cloud.clock.nowMs
        try await cloud.database.write(.evacuateComputes) { sql in
            guard let host = try sql.hosts.get(hostId), try sql.hosts.isFenced(hostId) else { throw isAlive }
            guard let store = host.store,
                let other = try sql.hosts.list().first(where: {
                    $0.id != hostId && $0.store == store && !$0.isDown(nowMs: now)
                })
            else { return }
            try sql.snapshots.give(from: hostId, to: other.id)
        }
        cloud.wake()
    }

    /// The host's id, once nobody owns it.
    private func fence(_ cloud: Cloud) async throws -> Int64 {
        let now = cloud.clock.nowMs
        return try await cloud.database.write(.fenceHost) { sql in
            guard let host = try sql.hosts.get(name: name) else { throw ChangeHost.notFound(name) }
            guard host.isDown(nowMs: now) else { throw isAlive }
            if try sql.hosts.fence(host.id) {
                try sql.events.append(
                    Event(
                        resourceId: nil, teamId: nil, kind: "host.evacuated",
                        detail: "\(host.name), by the operator, who says that it is fenced", actor: .system),
                    nowMs: now)
            }
            return host.id
        }
    }

    private struct Page {
        var moved: [Moved] = []
        var left: [Left] = []
        /// Of the computes that were looked at; `nil`: there are no more.
        var lastId: Int64?
    }

    private func moveSome(of hostId: Int64, after: Int64, _ sql: any SQLConnection, _ cloud: Cloud) throws
        -> Page
    {
        guard let host = try sql.hosts.get(hostId), try sql.hosts.isFenced(hostId) else { throw isAlive }
        let computes = try sql.hosts.page(of: hostId, afterId: after, limit: Self.maxTogether)
        var page = Page()
        page.lastId = computes.count == Self.maxTogether ? computes.last?.id : nil
        for compute in computes {
            let evacuation = EvacuateCompute(compute: compute, store: host.store)
            switch try evacuation.run(sql, cloud, nowMs: cloud.clock.nowMs) {
            case .moved(let moved): page.moved.append(moved)
            case .left(let left): page.left.append(left)
            }
        }
        return page
    }

    private var notFenced: CloudError {
        CloudError(
            .validationError,
            "The computes of '\(name.shown)' are not started elsewhere before you say that it is fenced: that it is off, "
                + "or can reach neither the storage with its disks nor the network. A host that is only cut off runs its "
                + "guests still, and two guests on one disk destroy it. Switch it off by its management board "
                + "(ipmitool chassis power off) and look that it is (ipmitool chassis power status), or pull its cables; "
                + "then say --fenced.",
            problems: [Problem("fenced", "is not said.")])
    }

    private var isAlive: CloudError {
        CloudError(
            .conflict,
            "The host '\(name.shown)' is not DOWN: its worker lives, or did less than "
                + "\(HostHeartbeat.downAfterMs / 1000) s ago. Switch it off, and try again once 'strettch admin host list' "
                + "says DOWN.")
    }
}

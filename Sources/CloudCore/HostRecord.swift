/// What the operator lets a host be used for.
public enum HostState: String, Sendable, CaseIterable {
    case active = "ACTIVE"
    /// What is there stays; nothing new comes.
    case cordoned = "CORDONED"
    /// Nothing new comes, and what is there shall leave.
    case draining = "DRAINING"
    /// It is no part of the cell any more. Its row stays for the history of what was there.
    case removed = "REMOVED"
}

/// A machine that computes run on, as the database has it.
public struct HostRecord: Sendable, Equatable {
    public var id: Int64
    /// The random text in its data folder by which it is known again, whatever its name; `nil` until the first worker
    /// has adopted it.
    public var identity: String?
    /// Unique among the hosts that are not REMOVED.
    public var name: String
    /// The one region whose computes it takes; `nil`: of every region.
    public var region: String?
    public var state: HostState
    /// Grows with each worker that takes the host over: the one with the present epoch owns it, and no other.
    public var epoch: Int64
    /// When its worker last said that it lives; `nil`: never.
    public var heartbeatMs: Int64?
    /// What is given out, overcommit included.
    public var capacity: Capacity
    /// What its computes hold.
    public var taken: Resources
    /// How guests are run: KVM or TCG.
    public var accelerator: String?
    /// Its address in the network that hosts reach each other by.
    public var underlay: String?
    /// Names the folder, on storage that it shares with other hosts, in which its computes' disks lie; `nil`: they lie on
    /// this host alone.
    public var store: String?
    /// The operator's own words for it.
    public var labels: [String]
    /// By which other hosts know it in moves, in PEM; `nil`: nothing moves to it or from it.
    public var moveCertificate: String?

    public init(
        id: Int64, identity: String? = nil, name: String, region: String? = nil, state: HostState = .active,
        epoch: Int64 = 0, heartbeatMs: Int64? = nil, capacity: Capacity = Capacity(),
        taken: Resources = Resources(), accelerator: String? = nil, underlay: String? = nil,
        store: String? = nil, labels: [String] = []
    ) {
        self.id = id
        self.identity = identity
        self.name = name
        self.region = region
        self.state = state
        self.epoch = epoch
        self.heartbeatMs = heartbeatMs
        self.capacity = capacity
        self.taken = taken
        self.accelerator = accelerator
        self.underlay = underlay
        self.store = store
        self.labels = labels
    }

    /// Whether its worker is dead, or cut off from the database.
    public func isDown(nowMs: Int64) -> Bool { (heartbeatMs ?? .min) < HostHeartbeat.oldest(nowMs: nowMs) }

    /// How much of the resource that is scarcest there is taken, in whole percents. What is unlimited is never scarce.
    public var load: Int {
        let shares = [
            (taken.vcpus, capacity.vcpus), (taken.memoryMb, capacity.memoryMb),
            (taken.storageGb, capacity.storageGb),
        ]
        return shares.map { taken, all in all.map { taken * 100 / max(1, $0) } ?? 0 }.max() ?? 0
    }
}

/// A host that a worker of this program owns, for as long as the host has this epoch.
public struct OwnedHost: Sendable, Equatable {
    public var id: Int64
    public var epoch: Int64

    public init(id: Int64, epoch: Int64) {
        self.id = id
        self.epoch = epoch
    }
}

/// How a worker says that it lives.
public enum HostHeartbeat {
    /// Between two heartbeats.
    public static let interval = Duration.seconds(5)
    /// Between two attempts at one that failed.
    public static let retry = Duration.seconds(1)
    /// A host without a heartbeat for so long, in milliseconds, is DOWN.
    public static let downAfterMs: Int64 = 30_000

    /// The time of the oldest heartbeat of a host that is not DOWN.
    public static func oldest(nowMs: Int64) -> Int64 { nowMs - downAfterMs }
}

/// How far the clocks of two machines may be apart: leases and heartbeats compare the times of several.
public enum ClockSkew {
    /// In milliseconds. Well under the time after which a host is DOWN.
    public static let maxMs: Int64 = 5000

    /// Throws `CONFLICT` when this machine's clock and the database's are too far apart to work.
    public static func check(ownMs: Int64, databaseMs: Int64) throws(CloudError) {
        let skewMs = ownMs - databaseMs
        guard abs(skewMs) > maxMs else { return }
        throw CloudError(
            .conflict,
            "This machine's clock is \(abs(skewMs)) ms \(skewMs > 0 ? "ahead of" : "behind") the database's, and at most "
                + "\(maxMs) are allowed. Let both follow the same time servers (chrony or systemd-timesyncd), and start "
                + "again.")
    }
}

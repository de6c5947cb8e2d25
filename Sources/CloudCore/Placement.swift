/// Why a host can't take a compute, in the words of a refusal.
public enum HostObstacle: String, Sendable, CaseIterable {
    case cordoned, draining, down
    case region = "another region"
    case vcpus = "vCPUs"
    case memory = "RAM"
    case storage = "disk"
    /// It has a compute of the team that shares one of the tags of `Tag.apart`.
    case apart = "tags that keep apart"
    /// The disk that is there already lies where this host has none.
    case store = "another store of disks"
    /// The snapshot that the disk is to be made of lies on another host.
    case snapshot = "not the snapshot's host"
}

/// Chooses the host of a new compute: pure functions over rows.
public enum Placement {
    /// What is preferred among the hosts that have room.
    public enum Policy: String, Sendable, CaseIterable {
        /// The emptiest.
        case spread
        /// The fullest, so that others stay free for large computes, or can be switched off.
        case pack
    }

    /// Hosts with room that are looked at for one compute.
    public static let maxCandidates = 16

    /// What a compute needs of its host.
    public struct Demand: Sendable, Equatable {
        public var resources: Resources
        public var region: String
        /// `Image.key`; a host that has it is preferred to one that is as full and has it not.
        public var image: String
        /// Hosts where computes are that it must not share a host with.
        public var apartFrom: Set<Int64>
        /// Where its disk lies; `nil`: it has none yet, or none any more, and can be anywhere.
        public var store: String?
        /// The only host that has the snapshot of which its disk is to be made; `nil`: any will do. Not together with `store`.
        public var onlyHost: Int64?

        public init(
            resources: Resources, region: String, image: String, apartFrom: Set<Int64> = [],
            store: String? = nil, onlyHost: Int64? = nil
        ) {
            self.resources = resources
            self.region = region
            self.image = image
            self.apartFrom = apartFrom
            self.store = store
            self.onlyHost = onlyHost
        }
    }

    /// A host that comes into question.
    public struct Candidate: Sendable, Equatable {
        public var host: HostRecord
        public var hasImage: Bool

        public init(_ host: HostRecord, hasImage: Bool = false) {
            self.host = host
            self.hasImage = hasImage
        }
    }

    /// The ids of the hosts that can take it, best first; the others are for when the best is taken meanwhile.
    /// - Parameter random: any number. It decides among equals, so that creates at one time don't all want the same host.
    public static func order(
        _ candidates: [Candidate], for demand: Demand, policy: Policy, nowMs: Int64,
        random: @autoclosure () -> UInt64
    ) -> [Int64] {
        let fit = candidates.filter { $0.host.obstacles(to: demand, nowMs: nowMs).isEmpty }
        // One has nobody to draw lots with.
        let random = fit.count > 1 ? random() : 0
        let rated = fit.map {
            (
                id: $0.host.id, load: policy == .spread ? $0.host.load : -$0.host.load,
                image: $0.hasImage ? 0 : 1, lot: lot(random, $0.host.id)
            )
        }
        return rated.sorted { ($0.load, $0.image, $0.lot, $0.id) < ($1.load, $1.image, $1.lot, $1.id) }.map(
            \.id)
    }

    /// A number that looks random, of two numbers (the finalizer of SplitMix64).
    private static func lot(_ random: UInt64, _ id: Int64) -> UInt64 {
        var z = random &+ UInt64(bitPattern: id) &* 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// How many hosts have the same obstacles.
    public struct Refusals: Sendable, Equatable {
        public var obstacles: [HostObstacle]
        public var count: Int

        public init(_ obstacles: [HostObstacle], count: Int) {
            self.obstacles = obstacles
            self.count = count
        }
    }

    /// `UNPROCESSABLE_ENTITY` that counts the reasons: `3 hosts: RAM; 1 host: cordoned`. `SERVICE_UNAVAILABLE` when a host
    /// that has room is down: it may be back soon, and nothing is wrong with the request.
    /// - Parameter only: the cell's only host, whose figures say more.
    public static func refusal(
        of specification: Specification, _ refusals: [Refusals], only: HostRecord?
    ) -> CloudError {
        if refusals.contains(where: { $0.obstacles == [.down] }) {
            return CloudError(
                .serviceUnavailable,
                "The server can't reach a host that has room for \(specification.specification) "
                    + "(\(reasons(refusals).joined(separator: "; "))). Try again; if it stays so, ask the operator to "
                    + "look at the hosts. Nothing was done.")
        }
        let shortages =
            only.map { $0.capacity.shortages(of: specification.resources, taken: $0.taken).map(\.figures) }
        let words = [shortages ?? [], reasons(refusals)].first { !$0.isEmpty }
        return Capacity.noRoom(
            for: specification, field: "specification",
            (words ?? ["no host has joined the cell yet"]).joined(separator: "; "))
    }

    /// `3 hosts: RAM`, `1 host: cordoned`: the commonest first.
    public static func reasons(_ refusals: [Refusals]) -> [String] {
        refusals.sorted { ($1.count, $0.words) < ($0.count, $1.words) }.map {
            "\($0.count) \($0.count == 1 ? "host" : "hosts"): \($0.words)"
        }
    }
}

extension Placement.Refusals {
    fileprivate var words: String { obstacles.map(\.rawValue).joined(separator: ", ") }
}

extension HostRecord {
    /// All that keeps the host from taking a new compute; none: it can.
    public func obstacles(to demand: Placement.Demand, nowMs: Int64) -> [HostObstacle] {
        var obstacles: [HostObstacle] = []
        switch state {
        case .active: break
        case .cordoned: obstacles.append(.cordoned)
        case .draining, .removed: obstacles.append(.draining)
        }
        if isDown(nowMs: nowMs) { obstacles.append(.down) }
        if let region, region != demand.region { obstacles.append(.region) }
        obstacles += capacity.shortages(of: demand.resources, taken: taken).map(\.obstacle)
        if let wanted = demand.store, store != wanted { obstacles.append(.store) }
        if let wanted = demand.onlyHost, id != wanted { obstacles.append(.snapshot) }
        if demand.apartFrom.contains(id) { obstacles.append(.apart) }
        return obstacles
    }
}

import CloudCore
import CloudDatabase
import CloudVerbs

/// Says what a host may be used for. For the operator, not for callers of the API.
public struct ChangeHost: Sendable {
    /// What is asked for.
    public enum Change: String, Sendable, CaseIterable {
        /// No new computes; what is there stays.
        case cordon
        /// New computes again.
        case uncordon
        /// No new computes, and what is there shall leave.
        case drain
        /// No part of the cell any more.
        case remove

        fileprivate var state: HostState {
            switch self {
            case .cordon: .cordoned
            case .uncordon: .active
            case .drain: .draining
            case .remove: .removed
            }
        }
    }

    public var name: String
    public var change: Change

    /// Computes that are named at most.
    public static let maxNamed = 10

    public init(name: String, change: Change) {
        self.name = name
        self.change = change
    }

    /// The host as it then is. Repeating it is harmless. Throws `RESOURCE_NOT_FOUND`, and for a removal `CONFLICT` that
    /// names the computes, snapshots or images that are left.
    public func run(in cloud: Cloud) async throws -> HostReport {
        let now = cloud.clock.nowMs
        return try await cloud.database.write(.changeHost) { sql in
            guard let host = try sql.hosts.get(name: name) else { throw Self.notFound(name) }
            if host.state != change.state {
                if change == .remove {
                    try remove(host, sql, nowMs: now)
                } else {
                    try sql.hosts.set(host.id, state: change.state)
                }
                try sql.events.append(
                    Event(
                        resourceId: nil, teamId: nil, kind: "host.\(change.state.rawValue.lowercased())",
                        detail: "\(host.name), by the operator", actor: .system), nowMs: now)
            }
            return try HostReport(host.id, sql, nowMs: now)
        }
    }

    static func notFound(_ name: String) -> CloudError {
        CloudError(
            .resourceNotFound,
            "There is no host '\(name.shown)'. 'strettch admin host list' shows those that there are.")
    }

    private func remove(_ host: HostRecord, _ sql: any SQLConnection, nowMs: Int64) throws {
        let left = try sql.hosts.computes(host.id, limit: Self.maxNamed + 1)
        guard left.isEmpty else {
            throw CloudError(
                .conflict,
                "The host '\(host.name.shown)' has computes left: \(Self.named(left)). "
                    + "Delete them first, and wait until they are gone.")
        }
        let holder = SnapshotQueries.Holder.host(host.id)
        let limit = Self.maxNamed + 1
        try Self.check(host, "snapshots", try sql.snapshots.left(on: holder, limit: limit))
        try Self.check(host, "images", try sql.images.left(on: holder, limit: limit))
        try end(try sql.moves.list(hostId: host.id), of: host, sql, nowMs: nowMs)
        try sql.hosts.remove(host.id)
    }

    private static func check(
        _ host: HostRecord, _ what: String, _ left: [(id: Int64, name: String)]
    ) throws {
        guard !left.isEmpty else { return }
        throw CloudError(
            .conflict,
            "The host '\(host.name.shown)' has \(what) left: \(named(left)). "
                + "Let their owners delete them first, and wait until they are gone.")
    }

    /// `web-1 (325), web-2 (326), …`: at most `maxNamed` of them.
    static func named(_ things: [(id: Int64, name: String)]) -> String {
        let names = things.prefix(maxNamed).map { "\($0.name.shown) (\($0.id))" }
        return (names + (things.count > maxNamed ? ["…"] : [])).joined(separator: ", ")
    }

    /// Ends the moves of which nothing but the host's own clearing up is left.
    private func end(
        _ moves: [Move], of host: HostRecord, _ sql: any SQLConnection, nowMs: Int64
    ) throws {
        if let move = moves.first(where: { $0.step.holdsJob || $0.step.side != $0.side(of: host.id) }) {
            throw CloudError(
                .conflict,
                "Compute \(move.computeId) is being moved to or from the host '\(host.name.shown)' (\(move.step.rawValue)). "
                    + "Wait until that is over.")
        }
        for move in moves { try sql.moveVerbs.end(move, nowMs: nowMs) }
    }
}

/// What the operator sees of a host.
public struct HostReport: Sendable, Equatable {
    public var host: HostRecord
    public var isDown: Bool
    /// Computes that are not DESTROYED.
    public var computes: Int
    /// Computes that are on their way from it or to it.
    public var moves: Int
    /// Slugs of the images that it has.
    public var images: [String]
    /// How its worker is reached by other servers; `nil`: it has not said.
    public var link: LinkRecord?

    init(
        _ host: HostRecord, computes: Int, moves: Int, images: [String], link: LinkRecord?, nowMs: Int64
    ) {
        self.host = host
        isDown = host.isDown(nowMs: nowMs)
        self.computes = computes
        self.moves = moves
        self.images = images
        self.link = link
    }

    init(_ id: Int64, _ sql: any SQLConnection, nowMs: Int64) throws {
        guard let host = try sql.hosts.get(id) else { throw CloudError.bug("host \(id) vanished") }
        self.init(
            host, computes: try sql.hosts.computeCounts()[id] ?? 0,
            moves: try sql.moves.list(hostId: id).count, images: try sql.hosts.images(id),
            link: try sql.links.of(hostId: id), nowMs: nowMs)
    }
}

/// All hosts that are not REMOVED, by name. For the operator, not for callers of the API.
public struct ReportHosts: Sendable {
    public init() {}

    public func run(in cloud: Cloud) async throws -> [HostReport] {
        let now = cloud.clock.nowMs
        return try await cloud.database.read { sql in
            let counts = try sql.hosts.computeCounts()
            let moves = try sql.moves.list()
            let links = try sql.links.ofHosts()
            return try sql.hosts.list().map { host in
                HostReport(
                    host, computes: counts[host.id] ?? 0, moves: moves.count { $0.side(of: host.id) != nil },
                    images: try sql.hosts.images(host.id), link: links[host.id], nowMs: now)
            }
        }
    }
}

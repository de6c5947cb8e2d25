import CloudCore
import CloudDatabase

/// Makes the worker the owner of its host, before it does anything else: a host that is known by its identity is taken
/// over from its earlier worker, one that is not joins the cell.
public struct RegisterHost: Sendable {
    public var facts: HostFacts
    /// The database is this host's alone, so the host that it knows is this one, whatever its identity: as after the
    /// loss of the data folder's other files.
    public var isOnlyHost: Bool
    /// Names the worker.
    public var owner: String
    /// The time by the database's own clock, for an engine that has one.
    public var databaseNowMs: Int64?

    public init(facts: HostFacts, isOnlyHost: Bool = false, owner: String, databaseNowMs: Int64? = nil) {
        self.facts = facts
        self.isOnlyHost = isOnlyHost
        self.owner = owner
        self.databaseNowMs = databaseNowMs
    }

    /// Returns the host's id after the commit; `claim` is then the ownership. Throws `CONFLICT` for a name that another
    /// host has, for a host that was removed, and for clocks that are too far apart.
    @discardableResult
    public func run(
        in database: any Database, _ claim: HostClaim, clock: any CloudClock
    ) async throws -> Int64 {
        let now = clock.nowMs
        if let databaseNowMs { try ClockSkew.check(ownMs: now, databaseMs: databaseNowMs) }
        let (hostId, epoch) = try await database.write(.registerHost) { sql in
            let hostId = try find(sql) ?? join(sql, nowMs: now)
            return (hostId, try sql.hosts.take(hostId, facts, owner: owner, nowMs: now))
        }
        claim.take(hostId: hostId, epoch: epoch, sharesDisks: facts.store != nil)
        return hostId
    }

    /// The id of the host that this is; `nil`: it is new.
    private func find(_ sql: any SQLConnection) throws -> Int64? {
        let known = try sql.hosts.get(identity: facts.identity)
        if let known, known.state == .removed { throw Self.removed(known.name) }
        let host = try known ?? sql.hosts.unadopted() ?? (isOnlyHost ? sql.hosts.only() : nil)
        try host.map { try checkStore($0, sql) }
        if let other = try sql.hosts.get(name: facts.name), other.id != host?.id {
            throw CloudError(
                .conflict,
                "Another host of the cell is named '\(facts.name.shown)'. Give this one a name of its own with hostName.",
                problems: [Problem("hostName", "'\(facts.name.shown)' is another host's.")])
        }
        return host?.id
    }

    /// The disks of its computes are where the host had them: those that it has elsewhere by now would be taken for lost.
    private func checkStore(_ host: HostRecord, _ sql: any SQLConnection) throws {
        guard host.store != facts.store else { return }
        guard
            try !sql.hosts.machines(host.id).isEmpty
                || !sql.snapshots.left(on: .host(host.id), limit: 1).isEmpty
                || !sql.images.left(on: .host(host.id), limit: 1).isEmpty
        else { return }
        throw CloudError(
            .conflict,
            "The disks of the computes, snapshots and images on host '\(host.name.shown)' do not lie where the setting disks "
                + "says. Set it as it was, and mount what it names; it can be changed once the host has none of them.",
            problems: [Problem("disks", "is not where the host's disks are.")])
    }

    private func join(_ sql: any SQLConnection, nowMs: Int64) throws -> Int64 {
        let hostId = try sql.hosts.insert(facts)
        try sql.events.append(
            Event(resourceId: nil, teamId: nil, kind: "host.joined", detail: facts.name, actor: .system),
            nowMs: nowMs)
        return hostId
    }

    static func removed(_ name: String) -> CloudError {
        CloudError(
            .conflict,
            "The host '\(name.shown)' was removed from the cell. To let it join anew, delete the file host-id in its data "
                + "folder, and start again.")
    }
}

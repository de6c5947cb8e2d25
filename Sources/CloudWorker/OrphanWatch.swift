import CloudCore
import CloudDatabase
import CloudMachines
import Logging

/// Removes what is on the host of machines and snapshots of this installation that no row stands for, once a grace period is over:
/// long enough for an operator who has just restored an old database to see it coming.
struct OrphanWatch: Sendable {
    let database: any Database
    let host: any MachineHost
    let claim: HostClaim
    let clock: any CloudClock
    let graceMs: Int64
    let metrics: WorkerMetrics
    let logger: Logger

    /// Machines and snapshots that are removed in one look, which others wait for.
    static let maxRemoved = 4
    /// The longest that ending and erasing one of them may take.
    static let removeTimeout = Duration.seconds(30)

    /// - Parameters:
    ///   - machines: those that are on the host.
    ///   - snapshots: those that are on the host.
    ///   - known: those of both whose resources were not over before that was looked at.
    func look(at machines: Set<Int64>, _ snapshots: Set<Int64>, known: Set<Int64>) async throws {
        var strays = machines.subtracting(known)
        let vacate = VacateHost(database: database, host: host, claim: claim, clock: clock, logger: logger)
        strays = strays.subtracting(try await vacate.run(strays)).union(snapshots.subtracting(known))
        let hostId = try claim.hostId
        let noted = try await database.glance { sql in try sql.hosts.orphans(hostId) }
        guard !strays.isEmpty || !noted.isEmpty else { return }
        let note = NoteOrphans(hostId: hostId, strays: strays, nowMs: clock.nowMs, graceMs: graceMs)
        // Most looks at an orphan change nothing but how long it is known.
        let changes = try await database.glance { sql in try note.changes(sql) }
        if !changes.isEmpty {
            try await database.write(.noteOrphans) { sql in
                try claim.check(sql)
                try note.run(sql)
            }
        }
        for id in changes.found {
            logger.warning(
                "Something on the host has no row in the database; it is removed after the grace period.",
                metadata: [
                    snapshots.contains(id) ? "snapshot" : "machine": "\(id)",
                    "graceSeconds": "\(graceMs / 1000)",
                ])
        }
        for id in changes.due.prefix(Self.maxRemoved) {
            try await remove(id, isSnapshot: snapshots.contains(id))
        }
    }

    /// The event that tells of it is appended when the machine is seen to be gone, whatever comes between.
    private func remove(_ id: Int64, isSnapshot: Bool) async throws {
        let host = host
        let name = isSnapshot ? "snapshot" : "machine"
        try await withTimeout(
            Self.removeTimeout, by: clock, late: .late("Removing \(name) \(id)", after: Self.removeTimeout)
        ) {
            guard !isSnapshot else {
                // Whose it was, nobody knows any more.
                return try await host.snapshots.eraseSnapshot(
                    DiskSnapshot(id: id, machineId: 0, createdAtMs: 0))
            }
            try await host.halt(id)
            try await host.erase(id)
        }
        metrics.removedOrphan()
        logger.notice("Something without a row in the database is removed.", metadata: ["\(name)": "\(id)"])
    }
}

/// Keeps the table of orphans in step with what is on the host, with an event of the cell for each that comes or goes.
struct NoteOrphans: Sendable {
    let hostId: Int64
    /// Machines and snapshots that no row stood for when they were looked at.
    let strays: Set<Int64>
    let nowMs: Int64
    let graceMs: Int64

    /// What is to be done, all by id.
    struct Changes: Sendable, Equatable {
        /// Seen for the first time.
        var found: [Int64] = []
        /// Known, and no longer there.
        var gone: [Int64] = []
        /// Known for longer than the grace period.
        var due: [Int64] = []

        /// Whether the table stays as it is.
        var isEmpty: Bool { found.isEmpty && gone.isEmpty }
    }

    func changes(_ sql: any SQLConnection) throws -> Changes {
        let live = try sql.hosts.machines(hostId).union(try sql.snapshots.onHost(hostId))
        let known = try sql.hosts.orphans(hostId)
        let orphans = strays.subtracting(live)
        return Changes(
            found: orphans.subtracting(known.keys).sorted(),
            gone: Set(known.keys).subtracting(orphans).sorted(),
            due: known.filter { orphans.contains($0.key) && nowMs - $0.value >= graceMs }.keys.sorted())
    }

    func run(_ sql: any SQLConnection) throws {
        let changes = try changes(sql)
        for id in changes.found {
            try sql.hosts.insertOrphan(id, hostId: hostId, nowMs: nowMs)
            try append("host.orphan.found", id, sql)
        }
        for id in changes.gone {
            try sql.hosts.removeOrphan(id, hostId: hostId)
            try append("host.orphan.gone", id, sql)
        }
    }

    private func append(_ kind: String, _ id: Int64, _ sql: any SQLConnection) throws {
        try sql.events.append(
            Event(resourceId: nil, teamId: nil, kind: kind, detail: "machine \(id)", actor: .system),
            nowMs: nowMs)
    }
}

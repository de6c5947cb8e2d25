import CloudCore
import CloudDatabase
import CloudMachines
import Logging

/// What is on a host that a row should stand for, by the ids of the rows.
struct HostThings: Sendable, Equatable {
    var machines: Set<Int64>
    var snapshots: Set<Int64>
    /// Of teams' own.
    var images: Set<Int64>

    init(machines: Set<Int64>, snapshots: Set<Int64>, images: Set<Int64>) {
        self.machines = machines
        self.snapshots = snapshots
        self.images = images
    }

    /// Those on the host, whose machines were looked at just now.
    init(machines: Set<Int64>, on host: any MachineHost) async throws {
        self.init(
            machines: machines, snapshots: try await host.snapshots.snapshotIds(),
            images: try await host.teamImages.imageIds())
    }

    /// The rows that stand for anything on the host.
    static func known(_ hostId: Int64, _ sql: any SQLConnection) throws -> Set<Int64> {
        try sql.hosts.machines(hostId).union(try sql.snapshots.onHost(hostId)).union(
            try sql.images.onHost(hostId))
    }

    /// What the thing with this id is, in a word.
    func kind(_ id: Int64) -> ResourceKind {
        if images.contains(id) { .image } else if snapshots.contains(id) { .snapshot } else { .compute }
    }
}

/// Removes what is on the host of machines, snapshots and images of this installation that no row stands for, once a grace
/// period is over: long enough for an operator who has just restored an old database to see it coming.
struct OrphanWatch: Sendable {
    let database: any Database
    let host: any MachineHost
    let claim: HostClaim
    let clock: any CloudClock
    let graceMs: Int64
    let metrics: WorkerMetrics
    let logger: Logger

    /// Things that are removed in one look, which others wait for.
    static let maxRemoved = 4
    /// The longest that ending and erasing one of them may take.
    static let removeTimeout = Duration.seconds(30)

    /// - Parameters:
    ///   - things: those that are on the host.
    ///   - known: those whose resources were not over before that was looked at.
    func look(at things: HostThings, known: Set<Int64>) async throws {
        var strays = things.machines.subtracting(known)
        let vacate = VacateHost(database: database, host: host, claim: claim, clock: clock, logger: logger)
        strays = strays.subtracting(try await vacate.run(strays)).union(things.snapshots.subtracting(known))
        let images = things.images.subtracting(known)
        strays = strays.union(images.subtracting(try await removeCopies(images)))
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
                metadata: [things.kind(id).word: "\(id)", "graceSeconds": "\(graceMs / 1000)"])
        }
        for id in changes.due.prefix(Self.maxRemoved) { try await remove(id, things.kind(id)) }
    }

    /// Removes those among these images that the cell has deleted: copies that the host had fetched. Returns their ids. One over
    /// which a disk lies still is for a later look.
    private func removeCopies(_ images: Set<Int64>) async throws -> Set<Int64> {
        guard !images.isEmpty else { return [] }
        let deleted = try await database.glance { sql in try sql.images.deleted(among: images) }
        for image in deleted.prefix(Self.maxRemoved) {
            do {
                try await inTime(image.id, .image) { try await $0.teamImages.eraseImage(image.onHost) }
            } catch {
                logger.notice(
                    "The copy of an image that was deleted can't be removed; trying again.",
                    metadata: ["image": "\(image.id)", "error": "\(error)"])
            }
        }
        return Set(deleted.map(\.id))
    }

    /// The event that tells of it is appended when the thing is seen to be gone, whatever comes between.
    private func remove(_ id: Int64, _ kind: ResourceKind) async throws {
        try await inTime(id, kind) { host in
            // Whose it was, nobody knows any more.
            switch kind {
            case .snapshot:
                try await host.snapshots.eraseSnapshot(DiskSnapshot(id: id, machineId: 0, createdAtMs: 0))
            case .image: try await host.teamImages.eraseImage(ImageOnHost(id: id, createdAtMs: 0))
            case .compute, .move:
                try await host.halt(id)
                try await host.erase(id)
            }
        }
        metrics.removedOrphan()
        logger.notice(
            "Something without a row in the database is removed.", metadata: ["\(kind.word)": "\(id)"])
    }

    private func inTime(
        _ id: Int64, _ kind: ResourceKind, _ body: @escaping @Sendable (any MachineHost) async throws -> Void
    ) async throws {
        let host = host
        try await withTimeout(
            Self.removeTimeout, by: clock,
            late: .late("Removing \(kind.word) \(id)", after: Self.removeTimeout)
        ) { try await body(host) }
    }
}

extension ResourceKind {
    /// What there is of it on a host.
    fileprivate var word: String { self == .compute ? "machine" : rawValue }
}

/// Keeps the table of orphans in step with what is on the host, with an event of the cell for each that comes or goes.
struct NoteOrphans: Sendable {
    let hostId: Int64
    /// What no row stood for when it was looked at.
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
        let live = try HostThings.known(hostId, sql)
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

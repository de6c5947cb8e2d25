import CloudCore

extension SQLConnection {
    public var hosts: HostQueries { HostQueries(sql: self) }
}

/// What a host says of itself each time that a worker starts on it.
public struct HostFacts: Sendable, Equatable {
    /// The random text in its data folder.
    public var identity: String
    public var name: String
    /// `nil`: every region.
    public var region: String?
    /// What is given out, overcommit included.
    public var capacity: Capacity
    public var accelerator: String?
    public var underlay: String?
    /// `HostRecord.store`.
    public var store: String?
    public var labels: [String]
    /// By which other hosts know it in moves, in PEM; `nil`: nothing moves to it or from it.
    public var moveCertificate: String?

    public init(
        identity: String, name: String, region: String? = nil, capacity: Capacity = Capacity(),
        accelerator: String? = nil, underlay: String? = nil, store: String? = nil, labels: [String] = [],
        moveCertificate: String? = nil
    ) {
        self.identity = identity
        self.name = name
        self.region = region
        self.capacity = capacity
        self.accelerator = accelerator
        self.underlay = underlay
        self.store = store
        self.labels = labels
        self.moveCertificate = moveCertificate
    }
}

/// The hosts of the cell. What is on each of them is in `HostQueries+Machines`, what is free in `HostQueries+Room`.
public struct HostQueries {
    let sql: any SQLConnection

    /// Whatever its state.
    public func get(_ id: Int64) throws -> HostRecord? {
        try sql.query("SELECT * FROM hosts WHERE id = $1", [id]).first.map(Self.host)
    }

    public func get(identity: String) throws -> HostRecord? {
        try sql.query("SELECT * FROM hosts WHERE identity = $1", [identity]).first.map(Self.host)
    }

    /// The host of that name that is not REMOVED.
    public func get(name: String) throws -> HostRecord? {
        try sql.query("SELECT * FROM hosts WHERE name = $1 AND state <> 'REMOVED'", [name]).first.map(
            Self.host)
    }

    /// Those that are not REMOVED, by name.
    public func list() throws -> [HostRecord] {
        try sql.query("SELECT * FROM hosts WHERE state <> 'REMOVED' ORDER BY name").map(Self.host)
    }

    /// The only host that is not REMOVED; `nil` when there is none, or there are several.
    public func only() throws -> HostRecord? {
        let first = try sql.query("SELECT * FROM hosts WHERE state <> 'REMOVED' ORDER BY id LIMIT 2")
        return first.count == 1 ? try Self.host(first[0]) : nil
    }

    /// The host that an upgrade made and that no worker has adopted yet.
    public func unadopted() throws -> HostRecord? {
        try sql.query("SELECT * FROM hosts WHERE identity IS NULL AND state <> 'REMOVED' ORDER BY id LIMIT 1")
            .first.map(Self.host)
    }

    /// Inserts a host that nobody owns yet, and returns its id.
    public func insert(_ facts: HostFacts) throws -> Int64 {
        try sql.query(
            "INSERT INTO hosts (identity, name, state) VALUES ($1, $2, 'ACTIVE') RETURNING id",
            [facts.identity, facts.name]
        )[0].int("id")
    }

    /// Gives the host to `owner`, with what the host says of itself, and returns the epoch of the ownership. Whoever
    /// owned it before does not any more.
    public func take(_ id: Int64, _ facts: HostFacts, owner: String, nowMs: Int64) throws -> Int64 {
        try sql.query(
            """
            UPDATE hosts SET identity = $2, name = $3, region = $4, vcpus = $5, memory_mb = $6, storage_gb = $7,
                accelerator = $8, underlay = $9, labels = $10, owner = $11, heartbeat_ms = $12, store = $13,
                move_certificate = $14,
                epoch = epoch + 1
            WHERE id = $1 RETURNING epoch
            """,
            [
                id, facts.identity, facts.name, facts.region, facts.capacity.vcpus, facts.capacity.memoryMb,
                facts.capacity.storageGb, facts.accelerator, facts.underlay,
                try StringList.encode(facts.labels), owner, nowMs, facts.store, facts.moveCertificate,
            ]
        )[0].int("epoch")
    }

    /// Whether the host's epoch is still this one, so that whoever got it owns the host.
    public func isOwned(_ id: Int64, epoch: Int64) throws -> Bool {
        try !sql.query("SELECT 1 AS owned FROM hosts WHERE id = $1 AND epoch = $2", [id, epoch]).isEmpty
    }

    /// Says that the owner with this epoch lives. False when it is the owner no more.
    public func beat(_ id: Int64, epoch: Int64, nowMs: Int64) throws -> Bool {
        try sql.execute(
            "UPDATE hosts SET heartbeat_ms = $3 WHERE id = $1 AND epoch = $2", [id, epoch, nowMs]) == 1
    }

    /// Which boot of the host its worker last worked on; `nil` before the first.
    public func bootId(_ id: Int64) throws -> String? {
        try sql.query("SELECT boot_id FROM hosts WHERE id = $1", [id]).first?.textOrNil("boot_id")
    }

    public func set(_ id: Int64, bootId: String) throws {
        try sql.execute("UPDATE hosts SET boot_id = $2 WHERE id = $1", [id, bootId])
    }

    public func set(_ id: Int64, state: HostState) throws {
        try sql.execute("UPDATE hosts SET state = $2 WHERE id = $1", [id, state.rawValue])
    }

    /// Takes the host out of the cell, and from its owner.
    public func remove(_ id: Int64) throws {
        try sql.execute(
            "UPDATE hosts SET state = 'REMOVED', epoch = epoch + 1, owner = NULL WHERE id = $1", [id])
        try sql.execute("DELETE FROM host_images WHERE host_id = $1", [id])
        try sql.execute("DELETE FROM orphans WHERE host_id = $1", [id])
    }

    static func host(_ row: SQLRow) throws -> HostRecord {
        var host = HostRecord(
            id: try row.int("id"), identity: try row.textOrNil("identity"), name: try row.text("name"),
            region: try row.textOrNil("region"), state: try row.value("state"), epoch: try row.int("epoch"),
            heartbeatMs: try row.intOrNil("heartbeat_ms"), accelerator: try row.textOrNil("accelerator"),
            underlay: try row.textOrNil("underlay"), store: try row.textOrNil("store"),
            labels: try StringList.decode(try row.text("labels")))
        host.capacity = Capacity(
            vcpus: try row.intOrNil("vcpus").map { Int($0) },
            memoryMb: try row.intOrNil("memory_mb").map { Int($0) },
            storageGb: try row.intOrNil("storage_gb").map { Int($0) })
        host.taken = Resources(
            vcpus: Int(try row.int("taken_vcpus")), memoryMb: Int(try row.int("taken_memory_mb")),
            storageGb: Int(try row.int("taken_storage_gb")))
        host.moveCertificate = try row.textOrNil("move_certificate")
        return host
    }
}

import CloudCore

/// What is free on the hosts. The counters change in the transaction that changes what a compute holds.
extension HostQueries {
    /// At most `limit` hosts that have room and are alive, the best first. Which of them it shall be decides `Placement`.
    ///
    /// The walk goes along `hosts_with_room`, and looks at the rows of those alone that have room by the index.
    public func candidates(
        for demand: Placement.Demand, policy: Placement.Policy, nowMs: Int64, limit: Int
    ) throws -> [Placement.Candidate] {
        try sql.query(
            """
            SELECT h.*, EXISTS (
                SELECT 1 FROM host_images i WHERE i.host_id = h.id AND i.image = $6
            ) AS has_image FROM hosts h
            WHERE h.state = 'ACTIVE' AND h.free_vcpus >= $1 AND h.free_memory_mb >= $2 AND h.free_storage_gb >= $3
                AND (h.region IS NULL OR h.region = $4) AND h.heartbeat_ms >= $5
                \(demand.isBound ? "AND \(demand.onlyHost == nil ? "h.store" : "h.id") = $8" : "")
            ORDER BY h.load \(policy == .spread ? "" : "DESC") LIMIT $7
            """,
            [
                demand.resources.vcpus, demand.resources.memoryMb, demand.resources.storageGb, demand.region,
                HostHeartbeat.oldest(nowMs: nowMs), demand.image, limit,
            ] + demand.bound
        ).map { Placement.Candidate(try Self.host($0), hasImage: try $0.int("has_image") != 0) }
    }

    /// Hosts where the team has computes with one of the tags, which hold resources there, or where such are to come.
    /// - Parameter except: a compute that does not count.
    public func sharing(teamId: Int64, tags: [String], except id: Int64? = nil) throws -> Set<Int64> {
        guard !tags.isEmpty else { return [] }
        let places = (3...tags.count + 2).map { "$\($0)" }.joined(separator: ", ")
        let arguments: [any SQLArgument] = [teamId, id ?? 0] + tags
        return Set(
            try sql.query(
                """
                SELECT c.host_id FROM resource_tags g JOIN computes c ON c.id = g.resource_id
                WHERE g.team_id = $1 AND g.tag IN (\(places)) AND c.id <> $2 AND c.private_ipv4 IS NOT NULL
                    AND c.host_id IS NOT NULL
                UNION SELECT m.destination_host_id FROM resource_tags g JOIN moves m ON m.compute_id = g.resource_id
                WHERE g.team_id = $1 AND g.tag IN (\(places)) AND g.resource_id <> $2
                """, arguments
            ).map { try $0.int("host_id") })
    }

    /// Counts what a new compute takes. False when there is no room any more, or the host takes none.
    /// - Parameter waits: false leaves a host alone that another transaction is changing, as if it had no room.
    public func takeRoom(_ id: Int64, _ need: Resources, waits: Bool = true) throws -> Bool {
        let host = waits ? "$1" : "(SELECT id FROM hosts WHERE id = $1\(sql.dialect.skippingLocked))"
        return try sql.execute(
            """
            UPDATE hosts SET taken_vcpus = taken_vcpus + $2, taken_memory_mb = taken_memory_mb + $3,
                taken_storage_gb = taken_storage_gb + $4
            WHERE id = \(host) AND state = 'ACTIVE' AND free_vcpus >= $2 AND free_memory_mb >= $3 AND free_storage_gb >= $4
            """,
            [id, need.vcpus, need.memoryMb, need.storageGb]) == 1
    }

    /// Counts what a compute that is there takes more than it did. False when there is no room for it.
    public func growRoom(_ id: Int64, by more: Resources) throws -> Bool {
        try sql.execute(
            """
            UPDATE hosts SET taken_vcpus = taken_vcpus + $2, taken_memory_mb = taken_memory_mb + $3,
                taken_storage_gb = taken_storage_gb + $4
            WHERE id = $1 AND ($2 <= 0 OR free_vcpus >= $2) AND ($3 <= 0 OR free_memory_mb >= $3)
                AND ($4 <= 0 OR free_storage_gb >= $4)
            """,
            [id, more.vcpus, more.memoryMb, more.storageGb]) == 1
    }

    /// Gives back what the compute takes of its host, if it holds anything. To be called before it gives its addresses
    /// back, which is what tells.
    public func giveRoomBack(computeId: Int64) throws {
        let held = try sql.query(
            """
            SELECT host_id, vcpus, memory_mb, storage_gb FROM computes
            WHERE id = $1 AND private_ipv4 IS NOT NULL AND host_id IS NOT NULL
            """,
            [computeId]
        ).first
        guard let held else { return }
        try giveBack(
            try held.int("host_id"),
            Resources(
                vcpus: Int(try held.int("vcpus")), memoryMb: Int(try held.int("memory_mb")),
                storageGb: Int(try held.int("storage_gb"))))
    }

    /// Gives back room that nothing uses any more.
    public func giveBack(_ id: Int64, _ room: Resources) throws {
        try sql.execute(
            """
            UPDATE hosts SET taken_vcpus = taken_vcpus - $2, taken_memory_mb = taken_memory_mb - $3,
                taken_storage_gb = taken_storage_gb - $4 WHERE id = $1
            """,
            [id, room.vcpus, room.memoryMb, room.storageGb])
    }

    /// How many hosts have which obstacles to the demand, those that have none left out but for what keeps computes
    /// apart. A look at all hosts, for refusals alone: they are counted by one number each, which is quicker than by six.
    public func refusals(of demand: Placement.Demand, nowMs: Int64) throws -> [Placement.Refusals] {
        let conditions =
            Self.conditions + (demand.store == nil ? [] : [("store IS NULL OR store <> $6", .store)])
            + (demand.onlyHost == nil ? [] : [("id <> $6", .snapshot)])
        let bits = conditions.enumerated().map { index, condition in
            "CASE WHEN \(condition.sql) THEN \(1 << index) ELSE 0 END"
        }
        return try sql.query(
            """
            SELECT obstacles, COUNT(*) AS n FROM (
                SELECT \(bits.joined(separator: " + ")) AS obstacles FROM hosts WHERE state <> 'REMOVED'
            ) AS h GROUP BY obstacles
            """,
            [
                demand.resources.vcpus, demand.resources.memoryMb, demand.resources.storageGb, demand.region,
                HostHeartbeat.oldest(nowMs: nowMs),
            ] + demand.bound
        ).map { row in
            let mask = try row.int("obstacles")
            let obstacles = conditions.enumerated().filter { mask & 1 << $0.offset != 0 }
            return Placement.Refusals(
                obstacles.isEmpty ? [.apart] : obstacles.map(\.element.obstacle), count: Int(try row.int("n"))
            )
        }
    }

    private static let conditions: [(sql: String, obstacle: HostObstacle)] = [
        ("state = 'CORDONED'", .cordoned), ("state = 'DRAINING'", .draining),
        ("heartbeat_ms IS NULL OR heartbeat_ms < $5", .down), ("region <> $4", .region),
        ("free_vcpus < $1", .vcpus), ("free_memory_mb < $2", .memory), ("free_storage_gb < $3", .storage),
    ]
}

extension Placement.Demand {
    fileprivate var isBound: Bool { !bound.isEmpty }

    /// Where the disk has to lie, as an argument: a host, or else a store.
    fileprivate var bound: [any SQLArgument] {
        if let onlyHost { [onlyHost] } else if let store { [store] } else { [] }
    }
}

import CloudCore

/// What the worker of a host remembers of it.
extension HostQueries {
    /// Machines that something may be left of on the host: those whose computes are not over, and those that move.
    public func machines(_ hostId: Int64) throws -> Set<Int64> {
        Set(
            try sql.query(
                """
                SELECT resource_id AS id FROM jobs WHERE host_id = $1 AND step <> 'done' AND kind = 'compute'
                UNION SELECT compute_id AS id FROM moves WHERE source_host_id = $1 OR destination_host_id = $1
                """, [hostId]
            ).map { try $0.int("id") })
    }

    /// Those whose jobs stand at one of the steps, none of which is the last.
    public func machines(_ hostId: Int64, steps: [ComputeStep]) throws -> Set<Int64> {
        Set(
            try sql.query(
                """
                SELECT resource_id FROM jobs WHERE host_id = $1 AND step <> 'done' AND step IN (\(steps.sqlList))
                """, [hostId]
            ).map { try $0.int("resource_id") })
    }

    /// What was found on the host without a compute that it stands for, by machine: when it was first seen.
    public func orphans(_ hostId: Int64) throws -> [Int64: Int64] {
        Dictionary(
            try sql.query("SELECT machine_id, first_seen_ms FROM orphans WHERE host_id = $1", [hostId]).map {
                (try $0.int("machine_id"), try $0.int("first_seen_ms"))
            }
        ) { first, _ in first }
    }

    /// Notes an orphan that was not known before.
    public func insertOrphan(_ machineId: Int64, hostId: Int64, nowMs: Int64) throws {
        try sql.execute(
            "INSERT INTO orphans (host_id, machine_id, first_seen_ms) VALUES ($1, $2, $3)",
            [hostId, machineId, nowMs])
    }

    public func removeOrphan(_ machineId: Int64, hostId: Int64) throws {
        try sql.execute("DELETE FROM orphans WHERE host_id = $1 AND machine_id = $2", [hostId, machineId])
    }

    /// Notes that the host has the bytes of the image of that `Image.key`.
    public func noteImage(_ image: String, hostId: Int64) throws {
        try sql.execute(
            "INSERT INTO host_images (host_id, image) VALUES ($1, $2) ON CONFLICT (host_id, image) DO NOTHING",
            [hostId, image])
    }

    /// Notes that no host needs the image of that `Image.key` any more.
    public func forgetImage(_ image: String) throws {
        try sql.later("DELETE FROM host_images WHERE image = $1", [image])
    }

    /// `Image.key` of the images that were made ready on the host.
    public func images(_ hostId: Int64) throws -> [String] {
        try sql.query("SELECT image FROM host_images WHERE host_id = $1 ORDER BY image", [hostId]).map {
            try $0.text("image")
        }
    }

    /// Computes on the host that are not DESTROYED, with their names, by id.
    public func computes(_ hostId: Int64, limit: Int) throws -> [(id: Int64, name: String)] {
        try sql.query(
            """
            SELECT id, host_name FROM computes WHERE host_id = $1 AND state <> 'DESTROYED' ORDER BY id LIMIT $2
            """,
            [hostId, limit]
        ).map { (try $0.int("id"), try $0.text("host_name")) }
    }

    /// How many computes that are not DESTROYED each host has that has any.
    public func computeCounts() throws -> [Int64: Int] {
        Dictionary(
            try sql.query(
                """
                SELECT host_id, COUNT(*) AS n FROM computes
                WHERE host_id IS NOT NULL AND state <> 'DESTROYED' GROUP BY host_id
                """
            ).map { (try $0.int("host_id"), Int(try $0.int("n"))) }
        ) { first, _ in first }
    }

    /// Computes on other hosts that have their place in the network, of the teams that have computes on this one, each
    /// with its host's underlay address. None for a host without such an address.
    public func teammates(of hostId: Int64) throws -> [(compute: Compute, underlay: IPv4Address)] {
        try sql.query(
            """
            SELECT \(ComputeQueries.columns), h.underlay
            FROM \(ComputeQueries.tables) JOIN hosts h ON h.id = c.host_id
            WHERE c.team_id IN (
                SELECT o.team_id FROM computes o JOIN hosts p ON p.id = o.host_id
                WHERE o.host_id = $1 AND o.state <> 'DESTROYED' AND p.underlay IS NOT NULL
            ) AND c.host_id <> $1 AND c.private_ipv4 IS NOT NULL
                AND j.step IN (\(ComputeStep.attached.sqlList)) AND h.underlay IS NOT NULL
            ORDER BY c.id
            """,
            [hostId]
        ).compactMap { row in
            try IPv4Address(try row.text("underlay")).map { (try ComputeQueries.compute(row), $0) }
        }
    }

    /// Those of the hosts whose last heartbeat is too old, so that nobody knows what is on them.
    public func down(_ ids: Set<Int64>, nowMs: Int64) throws -> Set<Int64> {
        guard !ids.isEmpty else { return [] }
        let places = (2...ids.count + 1).map { "$\($0)" }.joined(separator: ", ")
        let rows = try sql.query(
            "SELECT id FROM hosts WHERE (heartbeat_ms IS NULL OR heartbeat_ms < $1) AND id IN (\(places))",
            [HostHeartbeat.oldest(nowMs: nowMs)] + ids.sorted())
        return Set(try rows.map { try $0.int("id") })
    }
}

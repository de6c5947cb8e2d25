import CloudCore

extension SQLConnection {
    public var moves: MoveQueries { MoveQueries(sql: self) }
}

/// The moves that are under way.
public struct MoveQueries {
    let sql: any SQLConnection

    private static let select =
        """
        SELECT m.*, j.action, CASE WHEN j.lease_owner IS NULL THEN NULL ELSE j.lease_until_ms END AS leased_ms
        FROM moves m JOIN jobs j ON j.compute_id = m.compute_id
        """

    /// That a job, of the query's table `jobs`, does not wait for a move.
    static let doesNotWait =
        "NOT EXISTS (SELECT 1 FROM moves m WHERE m.compute_id = jobs.compute_id AND m.phase IN (\(holding)))"
    private static let holding = MovePhase.allCases.filter(\.holdsJob).sqlList
    /// The host of a row `m` that is not the compute's.
    static let otherHost =
        """
        CASE WHEN m.phase IN (\(MovePhase.allCases.filter { $0.home == .source }.sqlList))
            THEN m.destination_host_id ELSE m.source_host_id END
        """

    public func get(_ computeId: Int64) throws -> Move? {
        try sql.query("\(Self.select) WHERE m.compute_id = $1", [computeId]).first.map(Self.move)
    }

    /// Those that a host has to do with, by compute.
    public func list(hostId: Int64) throws -> [Move] {
        try sql.query(
            "\(Self.select) WHERE m.source_host_id = $1 OR m.destination_host_id = $1 ORDER BY m.compute_id",
            [hostId]
        ).map(Self.move)
    }

    /// All, by compute.
    public func list() throws -> [Move] {
        try sql.query("\(Self.select) ORDER BY m.compute_id").map(Self.move)
    }

    /// Begins a move, whose room is taken at its destination.
    public func insert(_ move: Move) throws {
        try sql.execute(
            """
            INSERT INTO moves (compute_id, source_host_id, destination_host_id, phase, since_ms, vcpus, memory_mb,
                storage_gb, begun_at_ms, deadline_ms, due_at_ms)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
            """,
            [
                move.computeId, move.sourceId, move.destinationId, move.phase.rawValue, move.sinceMs,
                move.room.vcpus, move.room.memoryMb, move.room.storageGb, move.begunAtMs, move.deadlineMs,
                move.dueAtMs,
            ])
    }

    /// Lets the next phase begin, with what is known by then. It is due at once.
    public func set(_ move: Move, phase: MovePhase, nowMs: Int64) throws {
        // These words tell whoever waits for it (`Changes`).
        try sql.execute(
            """
            UPDATE moves SET phase = $2, since_ms = $3, due_at_ms = $3, departure = $4, arrival = $5, progress = $6,
                failure = $7
            WHERE compute_id = $1
            """,
            [
                move.computeId, phase.rawValue, nowMs, move.departure, move.arrival, move.progress,
                move.failure,
            ])
    }

    /// Says how far it is, and when somebody looks again.
    public func set(_ computeId: Int64, progress: String?, dueAtMs: Int64) throws {
        try sql.execute(
            "UPDATE moves SET progress = $2, due_at_ms = $3 WHERE compute_id = $1",
            [computeId, progress, dueAtMs])
    }

    /// Ends the move, and gives back the room on the host that is not the compute's.
    public func end(_ move: Move) throws {
        try sql.execute("DELETE FROM moves WHERE compute_id = $1", [move.computeId])
        try sql.execute(
            """
            UPDATE hosts SET taken_vcpus = taken_vcpus - $2, taken_memory_mb = taken_memory_mb - $3,
                taken_storage_gb = taken_storage_gb - $4 WHERE id = $1
            """,
            [move.otherHostId, move.room.vcpus, move.room.memoryMb, move.room.storageGb])
    }

    private static func move(_ row: SQLRow) throws -> Move {
        var move = Move(
            computeId: try row.int("compute_id"), sourceId: try row.int("source_host_id"),
            destinationId: try row.int("destination_host_id"), phase: try row.value("phase"),
            room: Resources(
                vcpus: Int(try row.int("vcpus")), memoryMb: Int(try row.int("memory_mb")),
                storageGb: Int(try row.int("storage_gb"))), begunAtMs: try row.int("begun_at_ms"))
        move.sinceMs = try row.int("since_ms")
        move.departure = try row.textOrNil("departure")
        move.arrival = try row.textOrNil("arrival")
        move.progress = try row.textOrNil("progress")
        move.failure = try row.textOrNil("failure")
        move.deadlineMs = try row.int("deadline_ms")
        move.dueAtMs = try row.int("due_at_ms")
        move.action = try row.valueOrNil("action")
        move.leaseUntilMs = try row.intOrNil("leased_ms")
        return move
    }
}

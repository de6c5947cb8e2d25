import CloudCore

extension SQLConnection {
    public var moves: MoveQueries { MoveQueries(sql: self) }
}

/// The moves that are under way.
public struct MoveQueries {
    let sql: any SQLConnection

    private static let select = "SELECT m.*, \(JobQueries.columns) FROM \(tables)"
    /// Each move with its job, `j`.
    static let tables = "moves m JOIN jobs j ON j.resource_id = m.id"

    /// The host of a row of `tables` that is not the compute's.
    static let otherHost =
        """
        CASE WHEN j.step IN (\(MoveStep.allCases.filter { $0.home == .source }.sqlList))
            THEN m.destination_host_id ELSE m.source_host_id END
        """

    public func get(_ id: Int64) throws -> Move? {
        try sql.query("\(Self.select) WHERE m.id = $1", [id]).first.map(Self.move)
    }

    /// The compute's, which is one at most.
    public func get(computeId: Int64) throws -> Move? {
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

    /// Inserts the row of a move, whose room is taken at its destination; its job is the caller's affair.
    public func insert(_ move: Move) throws {
        try sql.execute(
            """
            INSERT INTO moves (id, compute_id, source_host_id, destination_host_id, vcpus, memory_mb, storage_gb,
                begun_at_ms)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            """,
            [
                move.id, move.computeId, move.sourceId, move.destinationId,
                move.room.vcpus, move.room.memoryMb, move.room.storageGb, move.begunAtMs,
            ])
    }

    /// Keeps what the source said that its destination must know.
    public func set(_ id: Int64, departure: String) throws {
        try sql.later("UPDATE moves SET departure = $2 WHERE id = $1", [id, departure])
    }

    /// Keeps what the destination said that its source must know.
    public func set(_ id: Int64, arrival: String) throws {
        try sql.later("UPDATE moves SET arrival = $2 WHERE id = $1", [id, arrival])
    }

    /// Keeps why it was called off.
    public func set(_ id: Int64, failure: String) throws {
        try sql.later("UPDATE moves SET failure = $2 WHERE id = $1", [id, failure])
    }

    public func remove(_ id: Int64) throws { try sql.execute("DELETE FROM moves WHERE id = $1", [id]) }

    private static func move(_ row: SQLRow) throws -> Move {
        var move = Move(
            id: try row.int("id"), computeId: try row.int("compute_id"),
            sourceId: try row.int("source_host_id"), destinationId: try row.int("destination_host_id"),
            room: Resources(
                vcpus: Int(try row.int("vcpus")), memoryMb: Int(try row.int("memory_mb")),
                storageGb: Int(try row.int("storage_gb"))), begunAtMs: try row.int("begun_at_ms"))
        move.departure = try row.textOrNil("departure")
        move.arrival = try row.textOrNil("arrival")
        move.failure = try row.textOrNil("failure")
        move.job = try JobQueries.job(row)
        return move
    }
}

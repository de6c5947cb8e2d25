import CloudCore

extension SQLConnection {
    public var snapshots: SnapshotQueries { SnapshotQueries(sql: self) }
}

/// Snapshots of disks.
public struct SnapshotQueries {
    let sql: any SQLConnection

    private static let select =
        "SELECT s.*, \(JobQueries.columns) FROM snapshots s JOIN jobs j ON j.resource_id = s.id"

    /// Inserts a snapshot in TAKING, whose id is a new resource's; its job and its meter are the caller's affair.
    public func insert(_ snapshot: Snapshot) throws {
        try sql.later(
            """
            INSERT INTO snapshots (id, team_id, compute_id, host_id, name, state, image, storage_gb, deletion_protection,
                created_at_ms, updated_at_ms, image_id)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
            """,
            [
                snapshot.id, snapshot.teamId, snapshot.computeId, snapshot.hostId, snapshot.name,
                snapshot.state.rawValue, snapshot.image, snapshot.storageGb, snapshot.deletionProtection,
                snapshot.createdAtMs, snapshot.updatedAtMs, snapshot.imageId,
            ])
    }

    /// The snapshot with this id, whatever its state.
    public func get(_ id: Int64) throws -> Snapshot? {
        try sql.query("\(Self.select) WHERE s.id = $1", [id]).first.map(Self.snapshot)
    }

    /// The team's snapshot with this id.
    /// - Parameter evenDeleted: whatever its state; else one that is DELETED is none.
    public func get(_ id: Int64, teamId: Int64, evenDeleted: Bool = false) throws -> Snapshot? {
        guard let snapshot = try get(id), snapshot.teamId == teamId else { return nil }
        return evenDeleted || snapshot.state != .deleted ? snapshot : nil
    }

    /// The one of the compute that is being taken; there is one at most.
    public func taking(computeId: Int64) throws -> Snapshot? {
        try sql.query(
            "\(Self.select) WHERE s.compute_id = $1 AND s.state <> 'DELETED' AND s.state = 'TAKING'",
            [computeId]
        ).first.map(Self.snapshot)
    }

    /// How many the compute has that are kept, or being taken.
    public func count(computeId: Int64) throws -> Int {
        Int(
            try sql.query(
                """
                SELECT COUNT(*) AS n FROM snapshots
                WHERE compute_id = $1 AND state <> 'DELETED' AND state IN ('TAKING', 'READY', 'DELETING')
                """,
                [computeId])[0].int("n"))
    }

    /// At most `limit` of the team's that pass the filter, newest first: those with an id smaller than `before`, without the
    /// first `offset`.
    public func list(
        teamId: Int64, filter: SnapshotFilter = SnapshotFilter(), before: Int64 = .max, limit: Int,
        offset: Int = 0
    ) throws -> [Snapshot] {
        let (text, arguments) = Self.conditions(teamId, filter)
        let n = arguments.count
        return try sql.query(
            """
            \(Self.select) WHERE \(text) AND s.id < $\(n + 1) ORDER BY s.id DESC LIMIT $\(n + 2) OFFSET $\(n + 3)
            """,
            arguments + [before, limit, offset]
        ).map(Self.snapshot)
    }

    /// How many of the team's pass the filter.
    public func count(teamId: Int64, filter: SnapshotFilter = SnapshotFilter()) throws -> Int {
        let (text, arguments) = Self.conditions(teamId, filter)
        return Int(
            try sql.query("SELECT COUNT(*) AS n FROM snapshots s WHERE \(text)", arguments)[0].int("n"))
    }

    /// Those that are DELETED are left out unless they are asked for.
    private static func conditions(_ teamId: Int64, _ filter: SnapshotFilter) -> (String, [any SQLArgument]) {
        var terms = ["s.team_id = $1"]
        var arguments: [any SQLArgument] = [teamId]
        if filter.state != .deleted { terms.append("s.state <> 'DELETED'") }
        for (column, value) in [
            ("s.state", filter.state?.rawValue as (any SQLArgument)?),
            ("s.compute_id", filter.computeId as (any SQLArgument)?),
        ] {
            guard let value else { continue }
            arguments.append(value)
            terms.append("\(column) = $\(arguments.count)")
        }
        return (terms.joined(separator: " AND "), arguments)
    }

    /// At most `limit` of the team's that nobody wants gone yet.
    public func toDelete(teamId: Int64, limit: Int) throws -> [Snapshot] {
        try sql.query(
            """
            \(Self.select) WHERE s.team_id = $1 AND s.state <> 'DELETED' AND s.state IN ('TAKING', 'READY', 'FAILED')
            ORDER BY s.id LIMIT $2
            """,
            [teamId, limit]
        ).map(Self.snapshot)
    }

    /// Whose snapshots are meant.
    public enum Holder: Sendable {
        case host(Int64), team(Int64)
    }

    /// At most `limit` of the holder's snapshots of which a host has anything left, with their names, by id.
    public func left(on holder: Holder, limit: Int) throws -> [(id: Int64, name: String)] {
        let (column, id) =
            switch holder {
            case .host(let id): ("host_id", id)
            case .team(let id): ("team_id", id)
            }
        return try sql.query(
            """
            SELECT s.id, s.name FROM snapshots s JOIN jobs j ON j.resource_id = s.id
            WHERE s.\(column) = $1 AND s.state <> 'DELETED' AND j.step <> 'done' ORDER BY s.id LIMIT $2
            """,
            [id, limit]
        ).map { (try $0.int("id"), try $0.text("name")) }
    }

    /// The ids of those of which anything may be where the host keeps its own: also those of other hosts that keep theirs
    /// there.
    public func onHost(_ hostId: Int64) throws -> Set<Int64> {
        Set(
            try sql.query(
                """
                SELECT resource_id FROM jobs WHERE step <> 'done' AND kind = 'snapshot' AND host_id IN (
                    SELECT id FROM hosts WHERE id = $1 OR store = (SELECT store FROM hosts WHERE id = $1)
                )
                """, [hostId]
            ).map { try $0.int("resource_id") })
    }

    /// Keeps the team's snapshot as it is until the transaction's end. For creates, which go on beside what would delete it.
    public func hold(_ id: Int64, teamId: Int64) throws {
        try sql.execute("UPDATE snapshots SET state = state WHERE id = $1 AND team_id = $2", [id, teamId])
    }

    /// Computes whose disks are being made of the snapshot.
    public func users(_ id: Int64) throws -> [Int64] {
        try sql.query(
            """
            SELECT c.id FROM computes c JOIN jobs j ON j.resource_id = c.id
            WHERE c.snapshot_id = $1 AND c.state <> 'DESTROYED' AND (
                (j.action = 'create' AND j.step IN ('image', 'disk')) OR j.action = 'restore'
            ) ORDER BY c.id
            """, [id]
        ).map { try $0.int("id") }
    }

    /// Sets the state. The meter is the caller's affair.
    public func set(_ id: Int64, state: SnapshotState, nowMs: Int64) throws {
        try sql.later(
            "UPDATE snapshots SET state = $2, updated_at_ms = $3 WHERE id = $1", [id, state.rawValue, nowMs])
    }

    /// Says what was taken.
    public func set(_ id: Int64, bytes: Int64, _ consistency: SnapshotConsistency) throws {
        try sql.later(
            "UPDATE snapshots SET bytes = $2, consistency = $3 WHERE id = $1",
            [id, bytes, consistency.rawValue])
    }

    public func set(_ id: Int64, failure: ComputeFailure?) throws {
        try sql.later(
            "UPDATE snapshots SET failure_code = $2, failure_message = $3 WHERE id = $1",
            [id, failure?.code.rawValue, failure?.message])
    }

    /// Sets what its owner may change.
    public func set(_ id: Int64, name: String, deletionProtection: Bool, nowMs: Int64) throws {
        try sql.later(
            "UPDATE snapshots SET name = $2, deletion_protection = $3, updated_at_ms = $4 WHERE id = $1",
            [id, name, deletionProtection, nowMs])
    }

    /// Gives a host's snapshots, and their jobs, to another that reaches the folder in which they lie. Whoever holds a job's
    /// lease has lost it.
    public func give(from hostId: Int64, to otherId: Int64) throws {
        try sql.execute(
            """
            UPDATE jobs SET host_id = $2, lease_owner = NULL, lease_until_ms = NULL
            WHERE resource_id IN (SELECT id FROM snapshots WHERE host_id = $1 AND state <> 'DELETED')
            """, [hostId, otherId])
        try sql.execute(
            "UPDATE snapshots SET host_id = $2 WHERE host_id = $1 AND state <> 'DELETED'", [hostId, otherId])
    }

    static func snapshot(_ row: SQLRow) throws -> Snapshot {
        var snapshot = Snapshot(
            id: try row.int("id"), teamId: try row.int("team_id"), computeId: try row.int("compute_id"),
            hostId: try row.int("host_id"), name: try row.text("name"), state: try row.value("state"),
            image: try row.text("image"), imageId: try row.intOrNil("image_id"),
            storageGb: Int(try row.int("storage_gb")),
            bytes: try row.intOrNil("bytes"), consistency: try row.valueOrNil("consistency"),
            deletionProtection: try row.int("deletion_protection") != 0,
            createdAtMs: try row.int("created_at_ms"), updatedAtMs: try row.int("updated_at_ms"),
            job: try JobQueries.job(row))
        if let message = try row.textOrNil("failure_message") {
            snapshot.failure = ComputeFailure(try row.value("failure_code"), message)
        }
        return snapshot
    }
}

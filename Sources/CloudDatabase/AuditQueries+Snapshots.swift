import CloudCore

extension AuditQueries {
    /// At most `limit` snapshots with ids above `afterId`, by id. Snapshots that are DELETED and have nothing left are left out.
    public func snapshots(afterId: Int64, limit: Int) throws -> [AuditedSnapshot] {
        try sql.query(
            """
            SELECT s.*, \(JobQueries.columns), j.due_at_ms, j.lease_until_ms, j.host_id AS job_host_id
            FROM snapshots s JOIN jobs j ON j.resource_id = s.id
            WHERE s.id > $1 AND (s.state <> 'DELETED' OR j.step <> 'done' OR j.action <> 'gone')
            ORDER BY s.id LIMIT $2
            """,
            [afterId, limit]
        ).map {
            AuditedSnapshot(
                snapshot: try SnapshotQueries.snapshot($0), dueAtMs: try $0.intOrNil("due_at_ms"),
                leaseUntilMs: try $0.intOrNil("lease_until_ms"), jobHostId: try $0.intOrNil("job_host_id"))
        }
    }

    /// Snapshots that have no job.
    public func snapshotsWithoutJob() throws -> [Int64] {
        try sql.query(
            """
            SELECT s.id FROM snapshots s LEFT JOIN jobs j ON j.resource_id = s.id WHERE j.resource_id IS NULL
            ORDER BY s.id
            """
        ).map { try $0.int("id") }
    }

    /// Snapshots, DELETED ones too, that don't have one event that says who asked for them, or, once DELETED, one that says
    /// that they are gone.
    public func snapshotEventsAmiss() throws -> [Int64] {
        try sql.query(
            """
            SELECT s.id FROM snapshots s LEFT JOIN events e ON e.resource_id = s.id
            GROUP BY s.id, s.state
            HAVING SUM(CASE WHEN e.kind = 'snapshot.created' THEN 1 ELSE 0 END) <> 1
                OR SUM(CASE WHEN e.kind = 'snapshot.deleted' THEN 1 ELSE 0 END)
                    <> CASE WHEN s.state = 'DELETED' THEN 1 ELSE 0 END
            ORDER BY s.id
            """
        ).map { try $0.int("id") }
    }

    /// Computes whose jobs wait for what is over or holds nobody any more.
    public func waitInVain() throws -> [Int64] {
        try sql.query(
            """
            SELECT j.resource_id AS id FROM jobs j LEFT JOIN jobs o ON o.resource_id = j.waits_for
            WHERE j.waits_for IS NOT NULL AND (o.resource_id IS NULL OR o.action IN ('keep', 'gone'))
            ORDER BY j.resource_id
            """
        ).map { try $0.int("id") }
    }
}

/// A snapshot with what its job says of when and by whom it is worked on.
public struct AuditedSnapshot: Sendable, Equatable {
    public var snapshot: Snapshot
    /// `nil`: nothing is to be done.
    public var dueAtMs: Int64?
    /// `nil`: nobody works on it.
    public var leaseUntilMs: Int64?
    /// Whose worker does what is to be done.
    public var jobHostId: Int64?

    public init(
        snapshot: Snapshot, dueAtMs: Int64? = nil, leaseUntilMs: Int64? = nil, jobHostId: Int64? = nil
    ) {
        self.snapshot = snapshot
        self.dueAtMs = dueAtMs
        self.leaseUntilMs = leaseUntilMs
        self.jobHostId = jobHostId
    }
}

import CloudCore

extension AuditQueries {
    /// At most `limit` images of teams' own with ids above `afterId`, by id. Those that are DELETED and have nothing left are
    /// left out.
    public func images(afterId: Int64, limit: Int) throws -> [AuditedImage] {
        try sql.query(
            """
            SELECT i.*, \(JobQueries.columns), j.due_at_ms, j.lease_until_ms, j.host_id AS job_host_id
            FROM images i JOIN jobs j ON j.resource_id = i.id
            WHERE i.id > $1 AND (i.state <> 'DELETED' OR j.step <> 'done' OR j.action <> 'gone')
            ORDER BY i.id LIMIT $2
            """,
            [afterId, limit]
        ).map {
            AuditedImage(
                image: try ImageQueries.image($0), dueAtMs: try $0.intOrNil("due_at_ms"),
                leaseUntilMs: try $0.intOrNil("lease_until_ms"), jobHostId: try $0.intOrNil("job_host_id"))
        }
    }

    /// Images that were DELETED since then: a host that has fetched one may have it for a moment longer.
    public func imagesDeleted(sinceMs: Int64) throws -> Set<Int64> {
        Set(
            try sql.query(
                "SELECT id FROM images WHERE state = 'DELETED' AND updated_at_ms >= $1", [sinceMs]
            ).map { try $0.int("id") })
    }

    /// Images that have no job.
    public func imagesWithoutJob() throws -> [Int64] {
        try sql.query(
            """
            SELECT i.id FROM images i LEFT JOIN jobs j ON j.resource_id = i.id WHERE j.resource_id IS NULL
            ORDER BY i.id
            """
        ).map { try $0.int("id") }
    }

    /// Images, DELETED ones too, that don't have one event that says who asked for them, or, once DELETED, one that says
    /// that they are gone.
    public func imageEventsAmiss() throws -> [Int64] {
        try sql.query(
            """
            SELECT i.id FROM images i LEFT JOIN events e ON e.resource_id = i.id
            GROUP BY i.id, i.state
            HAVING SUM(CASE WHEN e.kind = 'image.created' THEN 1 ELSE 0 END) <> 1
                OR SUM(CASE WHEN e.kind = 'image.deleted' THEN 1 ELSE 0 END)
                    <> CASE WHEN i.state = 'DELETED' THEN 1 ELSE 0 END
            ORDER BY i.id
            """
        ).map { try $0.int("id") }
    }

    /// Images over which disks lie, or which disks are to lie over, although they are not READY, each with one compute or
    /// snapshot of these.
    public func imagesAmiss() throws -> [(imageId: Int64, userId: Int64)] {
        try sql.query(
            """
            SELECT u.image_id, MIN(u.id) AS user_id FROM (
                SELECT id, image_id FROM computes WHERE image_id IS NOT NULL AND state NOT IN ('DESTROYED', 'FAILED')
                UNION ALL SELECT id, image_id FROM snapshots
                WHERE image_id IS NOT NULL AND state NOT IN ('DELETED', 'FAILED')
            ) AS u LEFT JOIN images i ON i.id = u.image_id
            WHERE i.id IS NULL OR i.state <> 'READY' GROUP BY u.image_id ORDER BY u.image_id
            """
        ).map { (try $0.int("image_id"), try $0.int("user_id")) }
    }
}

/// A team's own image with what its job says of when and by whom it is worked on.
public struct AuditedImage: Sendable, Equatable {
    public var image: TeamImage
    /// `nil`: nothing is to be done.
    public var dueAtMs: Int64?
    /// `nil`: nobody works on it.
    public var leaseUntilMs: Int64?
    /// Whose worker does what is to be done.
    public var jobHostId: Int64?

    public init(
        image: TeamImage, dueAtMs: Int64? = nil, leaseUntilMs: Int64? = nil, jobHostId: Int64? = nil
    ) {
        self.image = image
        self.dueAtMs = dueAtMs
        self.leaseUntilMs = leaseUntilMs
        self.jobHostId = jobHostId
    }
}

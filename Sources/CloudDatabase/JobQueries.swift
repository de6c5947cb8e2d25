import CloudCore

extension SQLConnection {
    public var jobs: JobQueries { JobQueries(sql: self) }
}

/// The one job that each compute has for as long as it lives.
public struct JobQueries {
    let sql: any SQLConnection

    /// Inserts the job of a new compute, due now: its create.
    public func insert(computeId: Int64, hostId: Int64, nowMs: Int64) throws {
        let action = ComputeAction.create
        try sql.later(
            """
            INSERT INTO jobs (compute_id, action, step, step_since_ms, due_at_ms, host_id)
            VALUES ($1, $2, $3, $4, $4, $5)
            """,
            [computeId, action.rawValue, action.step(from: .idle).rawValue, nowMs, hostId])
    }

    /// Gives the job an action, due now. The step belongs to whoever holds the lease, and gives way to the action.
    public func begin(_ action: ComputeAction, computeId: Int64, nowMs: Int64) throws {
        try sql.later(
            "UPDATE jobs SET action = $2, due_at_ms = $3 WHERE compute_id = $1",
            [computeId, action.rawValue, nowMs])
    }

    /// Sets what is being done; `nil`: nothing, or cleaning up after a create that failed.
    public func set(_ computeId: Int64, action: ComputeAction?) throws {
        try sql.later("UPDATE jobs SET action = $2 WHERE compute_id = $1", [computeId, action?.rawValue])
    }

    /// Leases up to `limit` of the host's due jobs that nobody holds and that wait for no move, longest due first, and
    /// returns their computes' ids.
    public func lease(
        owner: String, hostId: Int64, limit: Int, nowMs: Int64, untilMs: Int64
    ) throws -> [Int64] {
        try sql.query(
            """
            UPDATE jobs SET lease_owner = $1, lease_until_ms = $2 WHERE compute_id IN (
                SELECT compute_id FROM jobs
                WHERE host_id = $5 AND due_at_ms <= $3 AND (lease_until_ms IS NULL OR lease_until_ms <= $3)
                    AND \(MoveQueries.doesNotWait)
                ORDER BY due_at_ms, compute_id LIMIT $4\(sql.dialect.skippingLocked)
            ) RETURNING compute_id
            """,
            [owner, untilMs, nowMs, limit, hostId]
        ).map { try $0.int("compute_id") }.sorted()
    }

    /// Lengthens a lease. False when it is no longer `owner`'s: whoever asks must then leave the machine alone.
    public func renew(_ computeId: Int64, owner: String, untilMs: Int64) throws -> Bool {
        try sql.execute(
            "UPDATE jobs SET lease_until_ms = $3 WHERE compute_id = $1 AND lease_owner = $2",
            [computeId, owner, untilMs]) == 1
    }

    /// Until when `owner` holds the lease; `nil` when it is no longer `owner`'s.
    public func heldUntilMs(_ computeId: Int64, owner: String) throws -> Int64? {
        try sql.query(
            "SELECT lease_until_ms FROM jobs WHERE compute_id = $1 AND lease_owner = $2", [computeId, owner]
        ).first?.intOrNil("lease_until_ms")
    }

    /// Moves the job to `step`, as of now and without attempts.
    public func move(_ computeId: Int64, to step: ComputeStep, nowMs: Int64) throws {
        try sql.later(
            "UPDATE jobs SET step = $2, step_since_ms = $3, attempts = 0, note = NULL, detail = NULL WHERE compute_id = $1",
            [computeId, step.rawValue, nowMs])
    }

    /// Counts a failed attempt of the present step.
    public func countAttempt(_ computeId: Int64) throws {
        try sql.later("UPDATE jobs SET attempts = attempts + 1 WHERE compute_id = $1", [computeId])
    }

    /// Characters at most that are kept of what an attempt failed of.
    private static let maxDetail = 2000

    /// Keeps what the step's last attempt failed of, for the operator alone.
    public func set(_ computeId: Int64, detail: String) throws {
        try sql.later(
            "UPDATE jobs SET detail = $2 WHERE compute_id = $1",
            [computeId, String(detail.prefix(Self.maxDetail))])
    }

    /// What the step's last failed attempt failed of.
    public func detail(_ computeId: Int64) throws -> String? {
        try sql.query("SELECT detail FROM jobs WHERE compute_id = $1", [computeId]).first?.textOrNil("detail")
    }

    public func set(_ computeId: Int64, note: String?) throws {
        try sql.later("UPDATE jobs SET note = $2 WHERE compute_id = $1", [computeId, note])
    }

    /// Makes the job due at `dueAtMs`, or not at all, and leaves a lease as it is.
    public func schedule(_ computeId: Int64, dueAtMs: Int64?) throws {
        try sql.later("UPDATE jobs SET due_at_ms = $2 WHERE compute_id = $1", [computeId, dueAtMs])
    }

    /// Gives the lease back.
    public func release(_ computeId: Int64) throws {
        try sql.later(
            "UPDATE jobs SET lease_owner = NULL, lease_until_ms = NULL WHERE compute_id = $1", [computeId])
    }

    /// Gives `owner`'s lease back with the job's outcome unsaved; it is due again at `dueAtMs`.
    public func abandon(_ computeId: Int64, owner: String, dueAtMs: Int64) throws {
        try sql.later(
            """
            UPDATE jobs SET lease_owner = NULL, lease_until_ms = NULL, due_at_ms = $3
            WHERE compute_id = $1 AND lease_owner = $2
            """,
            [computeId, owner, dueAtMs])
    }

    /// Frees every lease of the host, makes due what waited, and lets each step's time begin anew: the time without a
    /// worker does not count, nor does what the host's clock was set by meanwhile. For the worker that has taken the host
    /// over: whoever held the leases does not own the host any more.
    public func resumeAll(hostId: Int64, nowMs: Int64) throws {
        try sql.execute(
            """
            UPDATE jobs SET lease_owner = NULL, lease_until_ms = NULL, step_since_ms = $1,
                due_at_ms = CASE WHEN due_at_ms > $1 THEN $1 ELSE due_at_ms END
            WHERE host_id = $2 AND step <> 'done' AND (due_at_ms IS NOT NULL OR lease_owner IS NOT NULL)
            """,
            [nowMs, hostId])
    }

    /// When the host's next job that nobody holds falls due, if any does.
    public func nextDueMs(hostId: Int64) throws -> Int64? {
        try sql.query(
            """
            SELECT MIN(due_at_ms) AS due FROM jobs
            WHERE host_id = $1 AND due_at_ms IS NOT NULL AND lease_owner IS NULL AND \(MoveQueries.doesNotWait)
            """, [hostId])[0].intOrNil("due")
    }

    /// How many of the host's jobs are at the step, which is not the last.
    public func count(step: ComputeStep, hostId: Int64) throws -> Int {
        Int(
            try sql.query(
                "SELECT COUNT(*) AS n FROM jobs WHERE host_id = $1 AND step = $2 AND step <> 'done'",
                [hostId, step.rawValue])[0].int("n"))
    }
}

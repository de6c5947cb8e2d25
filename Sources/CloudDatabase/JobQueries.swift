import CloudCore

extension SQLConnection {
    public var jobs: JobQueries { JobQueries(sql: self) }
}

/// A job that a worker has leased.
public struct LeasedJob: Sendable, Hashable {
    /// The resource's.
    public var id: Int64
    public var kind: ResourceKind
    /// The machine that it works on: jobs of one machine take turns.
    public var machineId: Int64

    public init(id: Int64, kind: ResourceKind, machineId: Int64) {
        self.id = id
        self.kind = kind
        self.machineId = machineId
    }
}

/// The one job that each resource has for as long as it lives.
public struct JobQueries {
    let sql: any SQLConnection

    /// All that `job` reads of a row `j`.
    static let columns = "j.action, j.step, j.step_since_ms, j.attempts, j.note"

    static func job<Action: JobAction>(_ row: SQLRow) throws -> Job<Action> {
        Job(
            try row.value("action"), try row.value("step"), sinceMs: try row.int("step_since_ms"),
            attempts: Int(try row.int("attempts")), note: try row.textOrNil("note"))
    }

    /// Inserts the job of a new resource, due now: the first step of `action`.
    /// - Parameter machineId: the machine that it works on.
    public func insert<Action: JobAction>(
        _ id: Int64, _ kind: ResourceKind, _ action: Action, machineId: Int64, hostId: Int64, nowMs: Int64
    ) throws {
        guard let step = action.steps.first else { throw CloudError.bug("'\(action.rawValue)' has no step") }
        try sql.later(
            """
            INSERT INTO jobs (resource_id, kind, machine_id, action, step, step_since_ms, due_at_ms, host_id)
            VALUES ($1, $2, $3, $4, $5, $6, $6, $7)
            """,
            [id, kind.rawValue, machineId, action.rawValue, step.rawValue, nowMs, hostId])
        sql.tell(.due(id))
    }

    /// Removes the job of a resource that is over.
    public func remove(_ id: Int64) throws {
        try sql.later("DELETE FROM jobs WHERE resource_id = $1", [id])
    }

    /// Gives the job an action, due now. The step belongs to whoever holds the lease, and gives way to the action.
    public func begin(_ action: some JobAction, _ id: Int64, nowMs: Int64) throws {
        try sql.later(
            "UPDATE jobs SET action = $2, due_at_ms = $3 WHERE resource_id = $1",
            [id, action.rawValue, nowMs])
        sql.tell(.due(id))
    }

    /// Sets what is being done, and leaves the rest as it is.
    public func set(_ id: Int64, action: some JobAction) throws {
        try sql.later("UPDATE jobs SET action = $2 WHERE resource_id = $1", [id, action.rawValue])
    }

    /// Gives the job to another host. Whoever holds its lease has lost it.
    public func give(_ id: Int64, to hostId: Int64) throws {
        try sql.later(
            "UPDATE jobs SET host_id = $2, lease_owner = NULL, lease_until_ms = NULL WHERE resource_id = $1",
            [id, hostId])
        sql.tell(.due(id))
    }

    /// Lets nobody lease the job until it is let go of, for the sake of another resource's job; a lease that is held stays.
    public func hold(_ id: Int64, for other: Int64) throws {
        try sql.later("UPDATE jobs SET waits_for = $2 WHERE resource_id = $1", [id, other])
    }

    /// Ends `hold`. The job is due now, so that its step looks at what happened to the machine meanwhile.
    public func letGo(_ id: Int64, nowMs: Int64) throws {
        try sql.later(
            "UPDATE jobs SET waits_for = NULL, due_at_ms = $2 WHERE resource_id = $1", [id, nowMs])
        sql.tell(.due(id))
    }

    /// The resource whose job it waits for; `nil`: none.
    public func waitsFor(_ id: Int64) throws -> Int64? {
        try sql.query("SELECT waits_for FROM jobs WHERE resource_id = $1", [id]).first?.intOrNil("waits_for")
    }

    /// Leases up to `limit` of the host's due jobs that nobody holds and that wait for no other, longest due first.
    public func lease(
        owner: String, hostId: Int64, limit: Int, nowMs: Int64, untilMs: Int64
    ) throws -> [LeasedJob] {
        try sql.query(
            """
            UPDATE jobs SET lease_owner = $1, lease_until_ms = $2 WHERE resource_id IN (
                SELECT resource_id FROM jobs
                WHERE host_id = $5 AND due_at_ms <= $3 AND (lease_until_ms IS NULL OR lease_until_ms <= $3)
                    AND waits_for IS NULL
                ORDER BY due_at_ms, resource_id LIMIT $4\(sql.dialect.skippingLocked)
            ) RETURNING resource_id, kind, machine_id
            """,
            [owner, untilMs, nowMs, limit, hostId]
        ).map {
            LeasedJob(
                id: try $0.int("resource_id"), kind: try $0.value("kind"),
                machineId: try $0.int("machine_id"))
        }.sorted { $0.id < $1.id }
    }

    /// Lengthens a lease. False when it is no longer `owner`'s: whoever asks must then leave the machine alone.
    public func renew(_ id: Int64, owner: String, untilMs: Int64) throws -> Bool {
        try sql.execute(
            "UPDATE jobs SET lease_until_ms = $3 WHERE resource_id = $1 AND lease_owner = $2",
            [id, owner, untilMs]) == 1
    }

    /// Until when `owner` holds the lease; `nil` when it is no longer `owner`'s.
    public func heldUntilMs(_ id: Int64, owner: String) throws -> Int64? {
        try sql.query(
            "SELECT lease_until_ms FROM jobs WHERE resource_id = $1 AND lease_owner = $2", [id, owner]
        ).first?.intOrNil("lease_until_ms")
    }

    /// Until when anybody holds the lease; `nil`: nobody does.
    public func leasedUntilMs(_ id: Int64) throws -> Int64? {
        try sql.query("SELECT lease_until_ms FROM jobs WHERE resource_id = $1", [id]).first?
            .intOrNil("lease_until_ms")
    }

    /// Moves the job to `step`, as of now and without attempts.
    public func move(_ id: Int64, to step: some JobStep, nowMs: Int64) throws {
        try sql.later(
            "UPDATE jobs SET step = $2, step_since_ms = $3, attempts = 0, note = NULL, detail = NULL WHERE resource_id = $1",
            [id, step.rawValue, nowMs])
    }

    /// Counts a failed attempt of the present step.
    public func countAttempt(_ id: Int64) throws {
        try sql.later("UPDATE jobs SET attempts = attempts + 1 WHERE resource_id = $1", [id])
    }

    /// Characters at most that are kept of what an attempt failed of.
    private static let maxDetail = 2000

    /// Keeps what the step's last attempt failed of, for the operator alone.
    public func set(_ id: Int64, detail: String) throws {
        try sql.later(
            "UPDATE jobs SET detail = $2 WHERE resource_id = $1",
            [id, String(detail.prefix(Self.maxDetail))])
    }

    /// What the step's last failed attempt failed of.
    public func detail(_ id: Int64) throws -> String? {
        try sql.query("SELECT detail FROM jobs WHERE resource_id = $1", [id]).first?.textOrNil("detail")
    }

    public func set(_ id: Int64, note: String?) throws {
        try sql.later("UPDATE jobs SET note = $2 WHERE resource_id = $1", [id, note])
    }

    /// Makes the job due at `dueAtMs`, or not at all, and leaves a lease as it is.
    public func schedule(_ id: Int64, dueAtMs: Int64?) throws {
        try sql.later("UPDATE jobs SET due_at_ms = $2 WHERE resource_id = $1", [id, dueAtMs])
    }

    /// Gives the lease back.
    public func release(_ id: Int64) throws {
        try sql.later(
            "UPDATE jobs SET lease_owner = NULL, lease_until_ms = NULL WHERE resource_id = $1", [id])
    }

    /// Gives `owner`'s lease back with the job's outcome unsaved; it is due again at `dueAtMs`.
    public func abandon(_ id: Int64, owner: String, dueAtMs: Int64) throws {
        try sql.later(
            """
            UPDATE jobs SET lease_owner = NULL, lease_until_ms = NULL, due_at_ms = $3
            WHERE resource_id = $1 AND lease_owner = $2
            """,
            [id, owner, dueAtMs])
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
            WHERE host_id = $1 AND due_at_ms IS NOT NULL AND lease_owner IS NULL AND waits_for IS NULL
            """, [hostId])[0].intOrNil("due")
    }

    /// The team of each guest of the host that boots: its machine runs, since `sinceMs` or later, and it has not answered yet.
    /// - Parameter besides: a compute that does not count.
    public func teamsBooting(hostId: Int64, besides: Int64, sinceMs: Int64) throws -> [Int64] {
        try sql.query(
            """
            SELECT r.team_id FROM jobs j JOIN resources r ON r.id = j.resource_id
            WHERE j.host_id = $1 AND j.step = 'confirm' AND j.step <> 'done' AND j.kind = 'compute'
                AND j.step_since_ms > $2 AND j.resource_id <> $3
            """, [hostId, sinceMs, besides]
        ).map { try $0.int("team_id") }
    }

    /// The teams whose computes come to their boot on the host until `untilMs`, each once.
    /// - Parameter besides: a team that does not count.
    public func teamsWaitingToBoot(hostId: Int64, besides: Int64, untilMs: Int64) throws -> [Int64] {
        try sql.query(
            """
            SELECT DISTINCT r.team_id FROM jobs j JOIN resources r ON r.id = j.resource_id
            WHERE j.host_id = $1 AND j.step = 'boot' AND j.step <> 'done' AND j.kind = 'compute'
                AND j.waits_for IS NULL AND (j.lease_owner IS NOT NULL OR j.due_at_ms <= $2) AND r.team_id <> $3
            """, [hostId, untilMs, besides]
        ).map { try $0.int("team_id") }
    }

    /// How many of the host's jobs are at the step, which is not the last.
    public func count(step: ComputeStep, hostId: Int64) throws -> Int {
        Int(
            try sql.query(
                "SELECT COUNT(*) AS n FROM jobs WHERE host_id = $1 AND step = $2 AND step <> 'done'",
                [hostId, step.rawValue])[0].int("n"))
    }
}

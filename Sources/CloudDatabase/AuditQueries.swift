import CloudCore

extension SQLConnection {
    public var audit: AuditQueries { AuditQueries(sql: self) }
}

/// What the audit looks at. What only grows with time (computes that are gone, events, the ledger) is judged in SQL, and
/// only what is amiss is returned; the rest comes in pages.
public struct AuditQueries {
    let sql: any SQLConnection

    /// At most `limit` computes above `afterId`, by id, without those that are DESTROYED and hold nothing any more.
    public func computes(afterId: Int64, limit: Int) throws -> [AuditedCompute] {
        try sql.query(
            """
            SELECT \(ComputeQueries.columns), j.due_at_ms, j.lease_until_ms, j.waits_for FROM \(ComputeQueries.tables)
            WHERE c.id > $1 AND (
                c.state <> 'DESTROYED' OR c.intent <> 'DESTROYED' OR j.step <> 'done' OR j.action <> 'gone'
                OR c.private_ipv4 IS NOT NULL OR c.public_ipv4 IS NOT NULL OR c.ssh_port IS NOT NULL
            )
            ORDER BY c.id LIMIT $2
            """,
            [afterId, limit]
        ).map {
            AuditedCompute(
                compute: try ComputeQueries.compute($0), dueAtMs: try $0.intOrNil("due_at_ms"),
                leaseUntilMs: try $0.intOrNil("lease_until_ms"), waitsFor: try $0.intOrNil("waits_for"))
        }
    }

    /// Computes that have no job.
    public func withoutJob() throws -> [Int64] {
        try ids(
            "SELECT c.id FROM computes c LEFT JOIN jobs j ON j.resource_id = c.id WHERE j.resource_id IS NULL"
        )
    }

    /// Every team there ever was, with what it holds.
    public func teams() throws -> [AuditedTeam] {
        try sql.query(
            """
            SELECT t.*, (
                SELECT COUNT(*) FROM api_keys k WHERE k.team_id = t.id AND k.revoked_at_ms IS NULL
            ) AS keys, (
                SELECT COUNT(*) FROM computes c WHERE c.team_id = t.id AND c.state <> 'DESTROYED'
            ) AS computes
            FROM teams t ORDER BY t.id
            """
        ).map {
            AuditedTeam(
                id: try $0.int("id"), network: try TeamQueries.network($0),
                isDeleted: try $0.intOrNil("deleted_at_ms") != nil, keys: Int(try $0.int("keys")),
                computes: Int(try $0.int("computes")))
        }
    }

    // MARK: Who asked

    /// Computes that are not DESTROYED and don't have exactly one key of their create, with how many they have.
    public func createKeys(endpoint: String) throws -> [(computeId: Int64, count: Int64)] {
        try sql.query(
            """
            SELECT c.id, COUNT(k.idempotency_key) AS n FROM computes c
            LEFT JOIN idempotency_keys k ON k.resource_id = c.id AND k.endpoint = $1
            WHERE c.state <> 'DESTROYED' GROUP BY c.id HAVING COUNT(k.idempotency_key) <> 1 ORDER BY c.id
            """,
            [endpoint]
        ).map { (try $0.int("id"), try $0.int("n")) }
    }

    /// Keys that stand for no resource of their team, with the endpoint.
    /// - Parameter endpoint: the one that makes what is not a resource.
    public func keysWithoutResource(except endpoint: String) throws -> [(key: String, endpoint: String)] {
        try sql.query(
            """
            SELECT k.idempotency_key, k.endpoint FROM idempotency_keys k
            LEFT JOIN resources r ON r.id = k.resource_id AND r.team_id = k.team_id
            WHERE k.endpoint <> $1 AND r.id IS NULL ORDER BY k.created_at_ms, k.idempotency_key
            """,
            [endpoint]
        ).map { (try $0.text("idempotency_key"), try $0.text("endpoint")) }
    }

    /// Resources with a key whose stored answer does not name them.
    public func answersAmiss() throws -> [(computeId: Int64, key: String)] {
        try sql.query(
            """
            SELECT resource_id, idempotency_key FROM idempotency_keys
            WHERE resource_id IS NOT NULL AND answer NOT LIKE '%"id":"' || CAST(resource_id AS TEXT) || '"%'
            ORDER BY resource_id, idempotency_key
            """
        ).map { (try $0.int("resource_id"), try $0.text("idempotency_key")) }
    }

    // MARK: Events

    /// How many events there are, with those that a restore tells are lost, and the lowest and highest id; 0 before the
    /// first.
    public func eventIds() throws -> (count: Int64, first: Int64, last: Int64) {
        if sql.dialect == .postgres {
            let row = try sql.query(
                "SELECT COUNT(*) AS n, COALESCE(MIN(id), 0) AS lo, COALESCE(MAX(id), 0) AS hi FROM events")[0]
            return (try row.int("n"), try row.int("lo"), try row.int("hi"))
        }
        let row = try sql.query(
            """
            SELECT COUNT(*) + CAST(COALESCE((
                SELECT SUM(r.id - 1 - (SELECT COALESCE(MAX(p.id), 0) FROM events p WHERE p.id < r.id))
                FROM events r WHERE r.kind = $1
            ), 0) AS BIGINT) AS n, COALESCE(MIN(id), 0) AS lo, COALESCE(MAX(id), 0) AS hi FROM events
            """,
            [RestoreReport.eventKind])[0]
        return (try row.int("n"), try row.int("lo"), try row.int("hi"))
    }

    /// Whether ids of events have gaps of their own, so that it takes a guard to know that none was taken out.
    public var eventsHaveGaps: Bool { sql.dialect == .postgres }

    /// Whether the guard is in force that lets nobody change or take out an event (schema 10).
    public func eventsAreGuarded() throws -> Bool {
        try !sql.query(
            """
            SELECT 1 AS found FROM pg_trigger
            WHERE tgname = 'events_append_only' AND tgrelid = CAST('events' AS REGCLASS)
                AND tgenabled IN ('O', 'A')
            """
        ).isEmpty
    }

    /// Computes, DESTROYED ones too, that don't have exactly one event of this kind, with how many they have.
    public func notOnce(kind: String, isDestroyed: Bool = false) throws -> [(computeId: Int64, count: Int64)]
    {
        try sql.query(
            """
            SELECT c.id, COUNT(e.id) AS n FROM computes c
            LEFT JOIN events e ON e.resource_id = c.id AND e.kind = $1
            \(isDestroyed ? "WHERE c.state = 'DESTROYED'" : "")
            GROUP BY c.id HAVING COUNT(e.id) <> 1 ORDER BY c.id
            """,
            [kind]
        ).map { (try $0.int("id"), try $0.int("n")) }
    }

    /// The id of the newest event of each of the kinds, of each compute that is not DESTROYED, by compute.
    public func newestEvents(kinds: [String]) throws -> [Int64: [String: Int64]] {
        let places = (1...max(1, kinds.count)).map { "$\($0)" }.joined(separator: ", ")
        var newest: [Int64: [String: Int64]] = [:]
        let rows = try sql.query(
            """
            SELECT e.resource_id, e.kind, MAX(e.id) AS newest
            FROM computes c JOIN events e ON e.resource_id = c.id
            WHERE c.state <> 'DESTROYED' AND e.kind IN (\(places)) GROUP BY e.resource_id, e.kind
            """,
            kinds)
        for row in rows {
            newest[try row.int("resource_id"), default: [:]][try row.text("kind")] = try row.int("newest")
        }
        return newest
    }

    private func ids(_ query: String) throws -> [Int64] {
        try sql.query("\(query) ORDER BY id").map { try $0.int("id") }
    }
}

/// A compute with what its job says of when and by whom it is worked on.
public struct AuditedCompute: Sendable, Equatable {
    public var compute: Compute
    /// `nil`: nothing is to be done.
    public var dueAtMs: Int64?
    /// `nil`: nobody works on it.
    public var leaseUntilMs: Int64?
    /// The resource whose job its own waits for.
    public var waitsFor: Int64?

    public init(
        compute: Compute, dueAtMs: Int64? = nil, leaseUntilMs: Int64? = nil, waitsFor: Int64? = nil
    ) {
        self.compute = compute
        self.dueAtMs = dueAtMs
        self.leaseUntilMs = leaseUntilMs
        self.waitsFor = waitsFor
    }
}

/// A team and what it holds.
public struct AuditedTeam: Sendable, Equatable {
    public var id: Int64
    public var network: IPv4Network
    public var isDeleted: Bool
    /// Keys that work.
    public var keys: Int
    /// Computes that are not DESTROYED.
    public var computes: Int

    public init(id: Int64, network: IPv4Network, isDeleted: Bool, keys: Int, computes: Int) {
        self.id = id
        self.network = network
        self.isDeleted = isDeleted
        self.keys = keys
        self.computes = computes
    }
}

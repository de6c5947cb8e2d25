import CloudCore

extension SQLConnection {
    public var metrics: MetricQueries { MetricQueries(sql: self) }
}

/// Figures of the whole cell, for the operator.
public struct MetricQueries {
    let sql: any SQLConnection

    /// The jobs at one moment.
    public struct Jobs: Sendable, Equatable {
        /// Due, and held by nobody.
        public var due: Int
        public var leased: Int
        /// When the oldest of those due fell due.
        public var oldestDueMs: Int64?
    }

    public func jobs(nowMs: Int64) throws -> Jobs {
        let due = try sql.query(
            """
            SELECT COUNT(*) AS n, MIN(due_at_ms) AS oldest FROM jobs
            WHERE due_at_ms <= $1 AND (lease_until_ms IS NULL OR lease_until_ms <= $1)
            """,
            [nowMs])[0]
        let leased = try sql.query(
            "SELECT COUNT(*) AS n FROM jobs WHERE lease_until_ms > $1", [nowMs])[0]
        return Jobs(
            due: Int(try due.int("n")), leased: Int(try leased.int("n")),
            oldestDueMs: try due.intOrNil("oldest"))
    }

    /// How many computes are in each state that any is in. Those DESTROYED, which only grow, are not counted.
    public func computes() throws -> [ComputeState: Int] {
        let rows = try sql.query(
            "SELECT state, COUNT(*) AS n FROM computes WHERE state <> 'DESTROYED' GROUP BY state")
        return Dictionary(
            try rows.map { (try $0.value("state", ComputeState.self), Int(try $0.int("n"))) },
            uniquingKeysWith: +)
    }

    /// How many hosts there are in each state, and of those how many are DOWN. Those REMOVED are not counted.
    public func hosts(nowMs: Int64) throws -> [HostState: (count: Int, down: Int)] {
        let rows = try sql.query(
            """
            SELECT state, COUNT(*) AS n, CAST(
                SUM(CASE WHEN heartbeat_ms IS NULL OR heartbeat_ms < $1 THEN 1 ELSE 0 END) AS BIGINT
            ) AS down FROM hosts WHERE state <> 'REMOVED' GROUP BY state
            """,
            [HostHeartbeat.oldest(nowMs: nowMs)])
        return Dictionary(
            try rows.map {
                (try $0.value("state", HostState.self), (Int(try $0.int("n")), Int(try $0.int("down"))))
            }
        ) { first, _ in first }
    }
}

import CloudCore

extension AuditQueries {
    /// The parts of lists whose totals differ from their rows: one shard of them each.
    public func totalsAmiss() throws -> [AuditedTotal] {
        try sql.query(
            """
            SELECT team_id, tag, region, state, CAST(SUM(counted) AS BIGINT) AS counted,
                CAST(SUM(present) AS BIGINT) AS present
            FROM (
                SELECT team_id, tag, region, state, shard, n AS counted, 0 AS present FROM compute_totals
                UNION ALL
                SELECT team_id, '', region, state, id % \(TotalQueries.shards), 0, 1 FROM computes
                WHERE state <> 'DESTROYED'
                UNION ALL
                SELECT g.team_id, g.tag, c.region, g.state, c.id % \(TotalQueries.shards), 0, 1
                FROM resource_tags g JOIN computes c ON c.id = g.resource_id
            ) lists
            GROUP BY team_id, tag, region, state, shard HAVING SUM(counted) <> SUM(present)
            ORDER BY team_id, tag, region, state, shard
            """
        ).map {
            AuditedTotal(
                teamId: try $0.int("team_id"), tag: try $0.text("tag"), region: try $0.text("region"),
                state: try $0.text("state"), counted: try $0.int("counted"), present: try $0.int("present"))
        }
    }
}

/// How many computes one of a team's lists has, by its total and by their rows.
public struct AuditedTotal: Sendable, Equatable {
    public var teamId: Int64
    /// Empty: with any tags or none.
    public var tag: String
    public var region: String
    public var state: String
    public var counted: Int64
    public var present: Int64
}

import CloudCore

extension SQLConnection {
    public var totals: TotalQueries { TotalQueries(sql: self) }
}

/// How many computes a team's lists have, kept in the transaction that changes it: a row for each tag, region, state and
/// shard, and the same for all computes, under the tag '', which no compute can have. Those DESTROYED are in no list.
///
/// A compute is counted in the shard of its id, so that creates of one team, which go on side by side, seldom wait for
/// each other's row.
public struct TotalQueries {
    let sql: any SQLConnection

    /// Changing it takes a migration that counts anew.
    static let shards: Int64 = 8

    /// Counts the compute with its state and tags. To be called after each change of either, and when it is new.
    public func enter(_ id: Int64) throws {
        try sql.later(
            """
            INSERT INTO compute_totals (team_id, tag, region, state, shard, n)
            SELECT c.team_id, g.tag, c.region, c.state, c.id % \(Self.shards), 1
            FROM (SELECT '' AS tag UNION ALL SELECT tag FROM resource_tags WHERE resource_id = $1) g
            CROSS JOIN computes c WHERE c.id = $1 AND c.state <> 'DESTROYED'
            ON CONFLICT (team_id, tag, region, state, shard) DO UPDATE SET n = compute_totals.n + 1
            """,
            [id])
    }

    /// Takes out what `enter` counted. To be called before each change of state or tags.
    public func leave(_ id: Int64) throws {
        // A value for each column of the key, so that SQLite looks at no row besides.
        let (team, region, state) = (Self.column("team_id"), Self.column("region"), Self.column("state"))
        try sql.later(
            """
            UPDATE compute_totals SET n = n - 1
            WHERE team_id = \(team) AND region = \(region) AND state = \(state)
                AND shard = CAST($1 AS BIGINT) % \(Self.shards)
                AND tag IN (SELECT '' UNION ALL SELECT tag FROM resource_tags WHERE resource_id = $1)
            """,
            [id])
    }

    /// Removes rows of the compute's tags that count nothing any more: tags come and go, and their rows would pile up. To be
    /// called after `leave`, while the compute still has the tags.
    func forget(_ id: Int64) throws {
        try sql.later(
            """
            DELETE FROM compute_totals
            WHERE n = 0 AND team_id = \(Self.column("team_id"))
                AND tag IN (SELECT tag FROM resource_tags WHERE resource_id = $1)
            """,
            [id])
    }

    /// What the compute `$1` has in a column.
    private static func column(_ name: String) -> String { "(SELECT \(name) FROM computes WHERE id = $1)" }

    /// How many of the team's computes pass the filter; `nil` where only a look at them tells.
    func count(teamId: Int64, filter: ComputeFilter) throws -> Int? {
        guard filter.hostName == nil, filter.tags.count <= 1 else { return nil }
        var arguments: [any SQLArgument] = [teamId, filter.tags.first ?? ""]
        var conditions = "team_id = $1 AND tag = $2"
        for (column, value) in [("region", filter.region), ("state", filter.state?.rawValue)] {
            guard let value else { continue }
            arguments.append(value)
            conditions += " AND \(column) = $\(arguments.count)"
        }
        return Int(
            try sql.query(
                "SELECT CAST(COALESCE(SUM(n), 0) AS BIGINT) AS n FROM compute_totals WHERE \(conditions)",
                arguments)[0].int("n"))
    }
}

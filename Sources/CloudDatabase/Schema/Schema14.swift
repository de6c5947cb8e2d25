extension Migrations {
    /// How long a team's lists are, without a look at their rows: `compute_totals`.
    @Sendable
    static func schema14(_ dialect: Dialect) -> [String] {
        [
            """
            CREATE TABLE compute_totals (
                team_id BIGINT NOT NULL REFERENCES teams (id),
                tag TEXT NOT NULL,
                region TEXT NOT NULL,
                state TEXT NOT NULL CHECK (state <> 'DESTROYED'),
                shard BIGINT NOT NULL,
                n BIGINT NOT NULL CHECK (n >= 0),
                PRIMARY KEY (team_id, tag, region, state, shard)
            )
            """,
            """
            INSERT INTO compute_totals (team_id, tag, region, state, shard, n)
            SELECT team_id, '', region, state, id % 8, COUNT(*) FROM computes WHERE state <> 'DESTROYED'
            GROUP BY team_id, region, state, id % 8
            """,
            """
            INSERT INTO compute_totals (team_id, tag, region, state, shard, n)
            SELECT g.team_id, g.tag, c.region, c.state, c.id % 8, COUNT(*)
            FROM compute_tags g JOIN computes c ON c.id = g.compute_id
            GROUP BY g.team_id, g.tag, c.region, c.state, c.id % 8
            """,
        ]
    }
}

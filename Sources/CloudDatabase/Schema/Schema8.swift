extension Migrations {
    /// Lists by state, name and tag are found without a look at all of a team's computes. `compute_tags` has a row for
    /// each tag of a compute that is not DESTROYED; the list in `computes.tags` keeps the order in which they were given.
    @Sendable
    static func schema8(_ dialect: Dialect) -> [String] {
        [
            """
            CREATE TABLE compute_tags (
                team_id BIGINT NOT NULL REFERENCES teams (id),
                tag TEXT NOT NULL,
                compute_id BIGINT NOT NULL REFERENCES computes (id),
                PRIMARY KEY (team_id, tag, compute_id)
            )
            """,
            "CREATE INDEX compute_tags_by_compute ON compute_tags (compute_id)",
            """
            INSERT INTO compute_tags (team_id, tag, compute_id)
            SELECT DISTINCT c.team_id, tag.value, c.id FROM computes c CROSS JOIN \(dialect.texts(of: "c.tags")) AS tag
            WHERE c.state <> 'DESTROYED'
            """,
            // Region and state, so that a look for them needs no look at the rows.
            """
            CREATE INDEX computes_live_by_team ON computes (team_id, id, region, state)
            WHERE state <> 'DESTROYED'
            """,
            "CREATE INDEX computes_by_state ON computes (team_id, state, id)",
            """
            CREATE INDEX computes_live_by_name ON computes (team_id, LOWER(host_name), id)
            WHERE state <> 'DESTROYED'
            """,
        ]
    }
}

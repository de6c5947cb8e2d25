extension Migrations {
    /// Addresses as rows: whose each is, or since when it is free. One that nobody has had yet is free since 0.
    ///
    /// Rows are made ahead, a few hundred at a time (`address_ranges.next`), so that taking one is a look along an index, and
    /// two transactions that go on at once pass by each other's rows. The columns of `computes` stay: they are what lists
    /// show, and their constraints have the last word.
    @Sendable
    static func schema19(_ dialect: Dialect) -> [String] {
        [
            """
            CREATE TABLE addresses (
                kind TEXT NOT NULL,
                number BIGINT NOT NULL,
                team_id BIGINT NOT NULL,
                holder_id BIGINT REFERENCES resources (id),
                free_since_ms BIGINT NOT NULL DEFAULT 0,
                PRIMARY KEY (kind, number)
            )
            """,
            """
            CREATE INDEX addresses_free ON addresses (kind, team_id, free_since_ms, number) WHERE holder_id IS NULL
            """,
            "CREATE INDEX addresses_by_holder ON addresses (holder_id) WHERE holder_id IS NOT NULL",
            """
            CREATE TABLE address_ranges (
                kind TEXT NOT NULL,
                team_id BIGINT NOT NULL,
                first BIGINT NOT NULL,
                last BIGINT NOT NULL,
                next BIGINT NOT NULL,
                PRIMARY KEY (kind, team_id, first, last)
            )
            """,
        ]
            + [
                ("private4", "private_ipv4", "team_id"), ("public4", "public_ipv4", "0"),
                ("sshPort", "ssh_port", "0"),
            ]
            .map { kind, column, team in
                """
                INSERT INTO addresses (kind, number, team_id, holder_id)
                SELECT '\(kind)', \(column), \(team), id FROM computes WHERE \(column) IS NOT NULL ORDER BY \(column)
                """
            }
    }
}

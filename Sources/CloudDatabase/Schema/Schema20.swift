extension Migrations {
    /// Snapshots: a whole by themselves, each with its host, its job and its meter. A compute says which one its disk is a
    /// copy of, and a meter of what kind of resource it is.
    @Sendable
    static func schema20(_ dialect: Dialect) -> [String] {
        [
            """
            CREATE TABLE snapshots (
                id BIGINT NOT NULL PRIMARY KEY REFERENCES resources (id),
                team_id BIGINT NOT NULL REFERENCES teams (id),
                compute_id BIGINT NOT NULL REFERENCES computes (id),
                host_id BIGINT NOT NULL REFERENCES hosts (id),
                name TEXT NOT NULL,
                state TEXT NOT NULL CHECK (state IN ('TAKING', 'READY', 'FAILED', 'DELETING', 'DELETED')),
                image TEXT NOT NULL,
                storage_gb BIGINT NOT NULL CHECK (storage_gb > 0),
                bytes BIGINT CHECK (bytes >= 0),
                consistency TEXT,
                deletion_protection BIGINT NOT NULL DEFAULT 0 CHECK (deletion_protection IN (0, 1)),
                failure_code TEXT,
                failure_message TEXT,
                created_at_ms BIGINT NOT NULL,
                updated_at_ms BIGINT NOT NULL,
                CHECK (state <> 'READY' OR (bytes IS NOT NULL AND consistency IS NOT NULL))
            )
            """,
            // Those DELETED are in a list of their own.
            "CREATE INDEX snapshots_by_team ON snapshots (team_id, id) WHERE state <> 'DELETED'",
            "CREATE INDEX snapshots_deleted ON snapshots (team_id, id) WHERE state = 'DELETED'",
            "CREATE INDEX snapshots_by_compute ON snapshots (compute_id, id) WHERE state <> 'DELETED'",
            "CREATE INDEX snapshots_by_host ON snapshots (host_id, id) WHERE state <> 'DELETED'",
            // To the resource, since snapshots refer to computes, and no two tables may refer to each other.
            "ALTER TABLE computes ADD COLUMN snapshot_id BIGINT REFERENCES resources (id)",
            "ALTER TABLE meters ADD COLUMN kind TEXT NOT NULL DEFAULT 'compute'",
        ]
            + (dialect == .postgres ? ledgerOfAllKinds : [])
    }

    /// What may be in the ledger of a resource is the program's affair; that a credit or a correction is of none, and
    /// everything else of one, is the table's.
    private static let ledgerOfAllKinds = [
        """
        DO $$
        DECLARE found RECORD;
        BEGIN
            FOR found IN SELECT conname FROM pg_constraint
                WHERE contype = 'c' AND conrelid = CAST('ledger' AS REGCLASS)
                    AND pg_get_constraintdef(oid) LIKE '%COMPUTE_HOURS%'
            LOOP
                EXECUTE format('ALTER TABLE ledger DROP CONSTRAINT %I', found.conname);
            END LOOP;
        END $$
        """,
        "ALTER TABLE ledger ADD CHECK ((kind IN ('CREDIT', 'CORRECTION')) = (resource_id IS NULL))",
    ]

    /// The same for SQLite, which can't change a table's constraints: a new table is made from the ledger's own definition, and
    /// the entries are copied in their order, since each refers to the one before it.
    @Sendable
    static func openLedger(_ sql: any SQLConnection) throws {
        guard sql.dialect == .sqlite else { return }
        let words = try sql.query(
            "SELECT sql FROM sqlite_master WHERE type IN ('table', 'index') AND tbl_name = 'ledger' AND sql IS NOT NULL "
                + "ORDER BY type DESC"
        ).map { try $0.text("sql") }
        guard let table = words.first else { return }
        let columns = table.drop { $0 != "(" }
            .replacing(
                "CHECK (kind IN ('CREDIT', 'COMPUTE_HOURS', 'PUBLIC_IP_MONTH', 'CORRECTION'))", with: ""
            )
            .replacing(
                "CHECK ((kind IN ('COMPUTE_HOURS', 'PUBLIC_IP_MONTH')) = (resource_id IS NOT NULL))",
                with: "CHECK ((kind IN ('CREDIT', 'CORRECTION')) = (resource_id IS NULL))")
        // Under its own name at last, so that what refers to it goes on doing so.
        try sql.execute("CREATE TABLE open_ledger \(columns)")
        try sql.execute("INSERT INTO open_ledger SELECT * FROM ledger ORDER BY rowid")
        try sql.execute("DROP TABLE ledger")
        try sql.execute("ALTER TABLE open_ledger RENAME TO ledger")
        for index in words.dropFirst() { try sql.execute(index) }
    }
}

extension Migrations {
    /// Resources: everything with a life of its own has an id of one sequence, and what all kinds have (a job, events,
    /// idempotency keys, meters, entries in the ledger, tags, guests' tokens) points there. Computes keep their ids.
    ///
    /// A move is a resource with a job of its own, which stands at what was its phase, at the host whose turn it is. A job
    /// always has an action, and may wait for another.
    @Sendable
    static func schema18(_ dialect: Dialect) -> [String] {
        let pointing =
            switch dialect {
            // By `pointToResources`.
            case .sqlite: ["DROP VIEW visible_events"]
            case .postgres: pointWithPostgres
            }
        return resources(dialect) + pointing + movesAsResources + jobs
            + (dialect == .postgres
                ? ["CREATE VIEW visible_events AS SELECT * FROM events WHERE id < event_horizon()"] : [])
    }

    private static func resources(_ dialect: Dialect) -> [String] {
        [
            """
            CREATE TABLE resources (
                id \(dialect.identity),
                kind TEXT NOT NULL,
                team_id BIGINT NOT NULL REFERENCES teams (id),
                created_at_ms BIGINT NOT NULL
            )
            """,
            """
            INSERT INTO resources (id, kind, team_id, created_at_ms)
            SELECT id, 'compute', team_id, created_at_ms FROM computes ORDER BY id
            """,
        ] + lastOfComputes(dialect)
    }

    /// No id that a compute ever had is given out again.
    private static func lastOfComputes(_ dialect: Dialect) -> [String] {
        switch dialect {
        case .sqlite:
            [
                // There is no row before the first id.
                """
                INSERT INTO sqlite_sequence (name, seq) SELECT 'resources', 0
                WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'resources')
                """,
                """
                UPDATE sqlite_sequence SET seq = MAX(seq, COALESCE((
                    SELECT seq FROM sqlite_sequence WHERE name = 'computes'
                ), 0)) WHERE name = 'resources'
                """,
            ]
        case .postgres:
            ["SELECT setval('resources_id_seq', last_value, is_called) AS last FROM computes_id_seq"]
        }
    }

    /// The moves that are under way, ids and all, and what their jobs will be.
    private static let movesAsResources = [
        """
        INSERT INTO resources (kind, team_id, created_at_ms)
        SELECT 'move', c.team_id, m.begun_at_ms FROM moves m JOIN computes c ON c.id = m.compute_id
        ORDER BY m.compute_id
        """,
        """
        CREATE TABLE new_moves (
            id BIGINT NOT NULL PRIMARY KEY REFERENCES resources (id),
            compute_id BIGINT NOT NULL UNIQUE REFERENCES computes (id),
            source_host_id BIGINT NOT NULL REFERENCES hosts (id),
            destination_host_id BIGINT NOT NULL REFERENCES hosts (id),
            departure TEXT,
            arrival TEXT,
            failure TEXT,
            vcpus BIGINT NOT NULL CHECK (vcpus >= 0),
            memory_mb BIGINT NOT NULL CHECK (memory_mb >= 0),
            storage_gb BIGINT NOT NULL CHECK (storage_gb >= 0),
            begun_at_ms BIGINT NOT NULL,
            CHECK (source_host_id <> destination_host_id)
        )
        """,
        """
        INSERT INTO new_moves (id, compute_id, source_host_id, destination_host_id, departure, arrival, failure, vcpus,
            memory_mb, storage_gb, begun_at_ms)
        SELECT r.id, m.compute_id, m.source_host_id, m.destination_host_id, m.departure, m.arrival, m.failure, m.vcpus,
            m.memory_mb, m.storage_gb, m.begun_at_ms
        FROM (SELECT o.*, ROW_NUMBER() OVER (ORDER BY o.compute_id) AS n FROM moves o) m
        JOIN (SELECT id, ROW_NUMBER() OVER (ORDER BY id) AS n FROM resources WHERE kind = 'move') r ON r.n = m.n
        """,
    ]

    private static let jobs = [
        """
        CREATE TABLE new_jobs (
            resource_id BIGINT NOT NULL PRIMARY KEY REFERENCES resources (id),
            kind TEXT NOT NULL,
            machine_id BIGINT NOT NULL,
            action TEXT NOT NULL,
            step TEXT NOT NULL,
            step_since_ms BIGINT NOT NULL,
            due_at_ms BIGINT,
            waits_for BIGINT,
            lease_owner TEXT,
            lease_until_ms BIGINT,
            attempts BIGINT NOT NULL DEFAULT 0,
            note TEXT,
            detail TEXT,
            host_id BIGINT REFERENCES hosts (id),
            CHECK ((lease_owner IS NULL) = (lease_until_ms IS NULL))
        )
        """,
        """
        INSERT INTO new_jobs (resource_id, kind, machine_id, action, step, step_since_ms, due_at_ms, waits_for,
            lease_owner, lease_until_ms, attempts, note, detail, host_id)
        SELECT j.compute_id, 'compute', j.compute_id,
            COALESCE(j.action, CASE j.step WHEN 'idle' THEN 'keep' WHEN 'done' THEN 'gone' ELSE 'cleanUp' END),
            j.step, j.step_since_ms, j.due_at_ms, n.id, j.lease_owner, j.lease_until_ms, j.attempts, j.note, j.detail,
            j.host_id
        FROM jobs j LEFT JOIN moves m ON m.compute_id = j.compute_id AND m.phase NOT IN ('LEAVING', 'RETURNED')
        LEFT JOIN new_moves n ON n.compute_id = m.compute_id
        """,
        """
        INSERT INTO new_jobs (resource_id, kind, machine_id, action, step, step_since_ms, due_at_ms, note, host_id)
        SELECT n.id, 'move', m.compute_id,
            CASE WHEN m.phase IN ('CANCELLED', 'RETURNED') THEN 'callOff'
                WHEN m.phase IN ('REFUSED', 'WITHDRAWN') THEN 'takeBack' ELSE 'move' END,
            LOWER(m.phase), m.since_ms, m.due_at_ms, m.progress,
            CASE WHEN m.phase IN ('DEPARTURE', 'COPY', 'LEAVING', 'CANCELLED', 'WITHDRAWN') THEN m.source_host_id
                ELSE m.destination_host_id END
        FROM moves m JOIN new_moves n ON n.compute_id = m.compute_id
        """,
        "DROP TABLE jobs",
        "ALTER TABLE new_jobs RENAME TO jobs",
        "CREATE INDEX jobs_by_host_and_due ON jobs (host_id, due_at_ms) WHERE due_at_ms IS NOT NULL",
        "CREATE INDEX jobs_live_by_host ON jobs (host_id, step) WHERE step <> 'done'",
        "DROP TABLE moves",
        "ALTER TABLE new_moves RENAME TO moves",
        "CREATE INDEX moves_by_source ON moves (source_host_id)",
        "CREATE INDEX moves_by_destination ON moves (destination_host_id)",
    ]

    /// The tables that point to resources from now on, with what they will be called.
    private static let pointing = [
        ("idempotency_keys", "idempotency_keys"), ("events", "events"), ("meters", "meters"),
        ("meter_prices", "meter_prices"), ("ledger", "ledger"), ("guest_tokens", "guest_tokens"),
        ("compute_tags", "resource_tags"),
    ]

    private static let indexes = [
        ("idempotency_keys_by_compute", "idempotency_keys_by_resource"),
        ("events_by_compute", "events_by_resource"),
        ("guest_tokens_by_compute", "guest_tokens_by_resource"),
        ("compute_tags_by_compute", "resource_tags_by_resource"),
        ("compute_tags_by_state", "resource_tags_by_state"),
    ]

    private static var pointWithPostgres: [String] {
        // A view keeps the columns' names that it was made with.
        ["DROP VIEW visible_events"]
            + [
                """
                DO $$
                DECLARE found RECORD;
                BEGIN
                    FOR found IN SELECT CAST(conrelid AS REGCLASS) AS name, conname FROM pg_constraint
                        WHERE contype = 'f' AND confrelid = CAST('computes' AS REGCLASS)
                            AND conrelid <> CAST('moves' AS REGCLASS) AND conrelid <> CAST('jobs' AS REGCLASS)
                    LOOP
                        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', found.name, found.conname);
                    END LOOP;
                END $$
                """,
                "ALTER TABLE computes ALTER COLUMN id DROP IDENTITY",
                "ALTER TABLE computes ADD FOREIGN KEY (id) REFERENCES resources (id)",
            ]
            + pointing.flatMap { name, newName in
                ["ALTER TABLE \(name) RENAME COLUMN compute_id TO resource_id"]
                    + (name == newName ? [] : ["ALTER TABLE \(name) RENAME TO \(newName)"])
                    // It points to the meter.
                    + (name == "meter_prices"
                        ? []
                        : ["ALTER TABLE \(newName) ADD FOREIGN KEY (resource_id) REFERENCES resources (id)"])
            }
            + indexes.map { "ALTER INDEX \($0) RENAME TO \($1)" }
    }

    /// The same where a table's references can't be changed: each is made anew out of its own words, with its rows
    /// (https://sqlite.org/lang_altertable.html#otheralter).
    @Sendable
    static func pointToResources(_ sql: any SQLConnection) throws {
        guard sql.dialect == .sqlite else { return }
        for (name, newName) in pointing + [("computes", "computes")] {
            let last = try sql.query("SELECT seq FROM sqlite_sequence WHERE name = $1", [name]).first?.int(
                "seq")
            let indexes = try sql.query(
                "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = $1 AND sql IS NOT NULL",
                [name]
            ).map { try $0.text("sql") }
            let table = try sql.query(
                "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = $1", [name])[0].text("sql")
            let columns = try sql.query("SELECT name FROM pragma_table_info($1)", [name]).map {
                try $0.text("name")
            }
            try sql.execute(pointing(table, name))
            try sql.execute(
                """
                INSERT INTO pointing (\(columns.map { $0 == "compute_id" ? "resource_id" : $0 }.joined(separator: ", ")))
                SELECT \(columns.joined(separator: ", ")) FROM \(name) ORDER BY rowid
                """)
            try sql.execute("DROP TABLE \(name)")
            try sql.execute("ALTER TABLE pointing RENAME TO \(newName)")
            for index in indexes { try sql.execute(renamed(index)) }
            if let last, name != "computes" { try sql.identities.raise(newName, to: last) }
        }
        try sql.execute("CREATE VIEW visible_events AS SELECT * FROM events")
    }

    /// The words that make the table, as `pointing`.
    private static func pointing(_ table: String, _ name: String) -> String {
        let columns = table.drop { $0 != "(" }
        guard name != "computes" else {
            return "CREATE TABLE pointing "
                + columns.replacing(
                    "id INTEGER PRIMARY KEY AUTOINCREMENT",
                    with: "id INTEGER PRIMARY KEY REFERENCES resources (id)",
                    maxReplacements: 1)
        }
        return "CREATE TABLE pointing "
            + columns.replacing("REFERENCES computes (id)", with: "REFERENCES resources (id)")
            .replacing("compute_id", with: "resource_id")
    }

    private static func renamed(_ index: String) -> String {
        indexes.reduce(index) { $0.replacing($1.0, with: $1.1) }
            .replacing("compute_tags", with: "resource_tags").replacing("compute_id", with: "resource_id")
    }
}

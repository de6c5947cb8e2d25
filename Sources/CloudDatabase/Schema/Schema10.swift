extension Migrations {
    /// Events as those may see them who walk by their ids: `visible_events` never shows an event below one that it has
    /// shown already.
    ///
    /// SQLite has one writer, so its events become visible in the order of their ids by themselves. PostgreSQL has many,
    /// and one that got a lower number may commit later. There an event's id begins with its transaction's number, and
    /// the view ends where the oldest transaction begins that still runs: whatever commits later has higher ids
    /// (docs/decisions/0016).
    @Sendable
    static func schema10(_ dialect: Dialect) -> [String] {
        switch dialect {
        case .sqlite: ["CREATE VIEW visible_events AS SELECT * FROM events"]
        case .postgres: eventNumbers + eventGuard + commits
        }
    }

    /// An id is the number of the transaction, shifted by `PostgresEventIds.bits`, and the event's number in it. A
    /// cluster that a dump was restored into counts its transactions anew, so `event_base` is added to them
    /// (`PostgresEventIds`).
    private static var eventNumbers: [String] {
        [
            PostgresEventIds.setBase(to: 0),
            """
            CREATE FUNCTION next_event_id() RETURNS BIGINT LANGUAGE PLPGSQL VOLATILE AS $$
            DECLARE
                number BIGINT := 1 + CAST(COALESCE(NULLIF(current_setting('strettch.events', TRUE), ''), '0') AS BIGINT);
            BEGIN
                IF number >= (1 << \(PostgresEventIds.bits)) THEN
                    RAISE EXCEPTION 'too many events in one transaction' USING ERRCODE = 'program_limit_exceeded';
                END IF;
                PERFORM set_config('strettch.events', CAST(number AS TEXT), TRUE);
                RETURN ((CAST(CAST(pg_current_xact_id() AS TEXT) AS BIGINT) + event_base())
                    << \(PostgresEventIds.bits)) + number;
            END $$
            """,
            """
            CREATE FUNCTION event_horizon() RETURNS BIGINT LANGUAGE SQL STABLE AS $$
                SELECT (CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS TEXT) AS BIGINT) + event_base())
                    << \(PostgresEventIds.bits)
            $$
            """,
            "ALTER TABLE events ALTER COLUMN id DROP IDENTITY",
            "ALTER TABLE events ALTER COLUMN id SET DEFAULT next_event_id()",
            "CREATE VIEW visible_events AS SELECT * FROM events WHERE id < event_horizon()",
        ]
    }

    /// Ids with gaps can't tell that an event was taken out, so none can be.
    private static var eventGuard: [String] {
        [
            """
            CREATE FUNCTION refuse_event_change() RETURNS TRIGGER LANGUAGE PLPGSQL AS $$
            BEGIN
                RAISE EXCEPTION 'events are append-only' USING ERRCODE = 'integrity_constraint_violation';
            END $$
            """,
            """
            CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_event_change()
            """,
        ]
    }

    /// What was committed, for programs that lost the answer (`PostgresCommit`).
    private static var commits: [String] {
        [
            """
            CREATE TABLE commits (
                token TEXT NOT NULL PRIMARY KEY,
                is_undone BIGINT NOT NULL CHECK (is_undone IN (0, 1)),
                at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now()
            )
            """,
            "CREATE INDEX commits_by_time ON commits (at)",
        ]
    }
}

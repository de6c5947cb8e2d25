/// How PostgreSQL numbers events: by the transaction, so that ids are in the order in which transactions began to write.
enum PostgresEventIds {
    /// Bits of an id that number the events of one transaction: 65,535, beyond which one is refused. What is left of the 18
    /// digits that an id may have numbers transactions: enough for 10,000 a second for 48 years.
    static let bits = 16

    /// The statement that sets what is added to the numbers of transactions.
    static func setBase(to base: Int64) -> String {
        """
        CREATE OR REPLACE FUNCTION event_base() RETURNS BIGINT LANGUAGE SQL IMMUTABLE AS $$
            SELECT CAST(\(base) AS BIGINT)
        $$
        """
    }

    /// Lets the numbers go on above the events that are there, where a dump was restored into a cluster that has seen
    /// fewer transactions than the one that they came from. To be called at the start, while nobody else does.
    static func continueNumbers(on sql: any SQLConnection) throws {
        let row = try sql.query(
            """
            SELECT (SELECT COALESCE(MAX(id), 0) FROM events) >> \(bits) AS last, event_base() AS base,
                CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS TEXT) AS BIGINT) AS next
            """)[0]
        let (last, base, next) = (try row.int("last"), try row.int("base"), try row.int("next"))
        guard last >= next + base else { return }
        try sql.execute(setBase(to: last + 1 - next))
    }
}

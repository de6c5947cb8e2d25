import CloudCore

/// Brings the schema of a PostgreSQL database up to date, in one transaction, by one program at a time.
struct PostgresSchema {
    let settings: PostgresSettings

    /// Any number that no other program on the database uses: "strettch" in ASCII.
    private static let lock = 0x7374_7265_7474_6368
    /// Milliseconds that a start waits for that of another program.
    private static let lockMs = 120_000

    /// Throws `SERVICE_UNAVAILABLE` when PostgreSQL can't be reached, and otherwise a `CloudError` that says what is wrong
    /// with the database.
    func upgrade() throws {
        do {
            let client = try PostgresClient(settings)
            guard try client.value("SHOW server_encoding") == "UTF8" else {
                throw CloudError(
                    .internalServerError,
                    "The database does not keep UTF-8. Make it with: CREATE DATABASE … TEMPLATE template0 ENCODING "
                        + "'UTF8' LOCALE 'C'.")
            }
            // A table may be large; and the lock may be held by a program that changes one.
            try client.run("SET statement_timeout = 0; SET lock_timeout = \(Self.lockMs)")
            try client.run("SELECT pg_advisory_lock(\(Self.lock))")
            try client.run("BEGIN ISOLATION LEVEL SERIALIZABLE")
            let sql = PostgresConnection(client)
            _ = try Migrations.run(on: sql, dialect: .postgres)
            try PostgresEventIds.continueNumbers(on: sql)
            try sql.sendQueued()
            // The lock ends with the connection, which ends with this function.
            try client.run("COMMIT")
        } catch let error as PostgresError where error.remedy != .none {
            throw CloudError(
                .serviceUnavailable,
                "PostgreSQL can't be reached, or does not let this program in. Check the setting 'database', and that "
                    + "the server runs and knows the role.", detail: error.description)
        } catch let error as PostgresError {
            throw CloudError(
                .internalServerError,
                "The schema of the database can't be brought up to date. Check that the role owns the database.",
                detail: error.description)
        }
    }
}

import CloudDatabase
import Synchronization

/// Databases on the one server that most tests share.
extension TestPostgres {
    /// Runs `body` with the connection string of a new database of today's schema, and removes it afterwards.
    public static func withDatabase<T>(
        isolation: isolated (any Actor)? = #isolation, _ body: (String) async throws -> T
    ) async throws -> T {
        let server = try await shared.server()
        let name = try server.copyTemplate()
        let result: Result<T, any Error>
        do { result = .success(try await body(server.connection(name))) } catch { result = .failure(error) }
        try server.administer("DROP DATABASE \(name) WITH (FORCE)")
        return try result.get()
    }

    /// Runs `body` with a database that another test may have used, and that was emptied since: much quicker. For tests
    /// that leave the schema as it is; one that does not is not used again.
    static func withUsedDatabase<T>(
        isolation: isolated (any Actor)? = #isolation, _ body: (any Database) async throws -> T
    ) async throws -> T {
        let server = try await shared.server()
        let used = try await usedDatabase(server) ?? server.newDatabase()
        let result: Result<T, any Error>
        do { result = .success(try await body(used.database)) } catch { result = .failure(error) }
        unused.withLock { $0.append(used) }
        return try result.get()
    }

    /// Makes a database without a schema, and returns its connection string.
    public func makeDatabase(_ name: String) throws -> String {
        try administer("CREATE DATABASE \(name) OWNER \(Self.role)")
        return connection(name)
    }

    private static let shared = SharedServer()
    /// A database of today's schema from which others are copied.
    private static let template = "strettch_template"

    /// Makes the template. A database that others are copied from may have no connections.
    fileprivate func makeTemplate() async throws {
        try PostgresDatabase(connection: makeDatabase(Self.template), connections: 1).close()
        let shape = try administer(Self.shapeQuery, in: Self.template)
        Self.shape.withLock { $0 = shape }
        try await eventually("nobody is connected to the template") {
            try administer("SELECT COUNT(*) FROM pg_stat_activity WHERE datname = '\(Self.template)'") == "0"
        }
    }

    private func copyTemplate() throws -> String {
        let number = Self.names.withLock { number in
            number += 1
            return number
        }
        try administer("CREATE DATABASE test_\(number) TEMPLATE \(Self.template) OWNER \(Self.role)")
        return "test_\(number)"
    }

    // MARK: Used again

    private struct Used {
        var name: String
        var database: PostgresDatabase
    }

    private static let unused = Mutex<[Used]>([])

    private func newDatabase() throws -> Used {
        let name = try copyTemplate()
        return Used(name: name, database: try PostgresDatabase(connection: connection(name), connections: 3))
    }

    /// One whose test is over, without rows; `nil` when there is none, or its schema was changed.
    private static func usedDatabase(_ server: TestPostgres) async throws -> Used? {
        guard let used = unused.withLock({ $0.popLast() }) else { return nil }
        // What a cancelled task left under way.
        try await eventually("nothing is under way in the last test's database") {
            try server.administer(
                """
                SELECT COUNT(*) FROM pg_stat_activity
                WHERE datname = '\(used.name)' AND state <> 'idle' AND pid <> pg_backend_pid()
                """) == "0"
        }
        // Without triggers, those of foreign keys among them.
        let shape = try server.administer(
            "SET session_replication_role = replica", emptyAll, shapeQuery, in: used.name)
        guard shape == Self.shape.withLock({ $0 }) else {
            used.database.close()
            return nil
        }
        return used
    }

    /// Takes out all rows, and lets the numbers begin anew.
    private static let emptyAll = """
        DO $$ DECLARE name TEXT; BEGIN
            FOR name IN SELECT tablename FROM pg_tables
                WHERE schemaname = 'public' AND tablename <> 'schema_version'
            LOOP EXECUTE 'DELETE FROM ' || name; END LOOP;
            FOR name IN SELECT sequencename FROM pg_sequences WHERE schemaname = 'public'
            LOOP PERFORM setval(CAST(name AS REGCLASS), 1, FALSE); END LOOP;
        END $$
        """

    /// Tells whether a test has left constraints and triggers as they were.
    private static let shapeQuery =
        "SELECT (SELECT COUNT(*) FROM pg_constraint) || ' ' || (SELECT COUNT(*) FROM pg_trigger WHERE tgenabled = 'O')"
    private static let shape = Mutex("")
}

/// The server itself.
private actor SharedServer {
    private var starting: Task<TestPostgres, any Error>?

    func server() async throws -> TestPostgres {
        if let starting { return try await starting.value }
        let task = Task {
            let server = try await TestPostgres.make()
            try await server.makeTemplate()
            return server
        }
        starting = task
        return try await task.value
    }
}

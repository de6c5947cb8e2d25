import CloudCore
import CloudDatabase
import GRDB

/// What the database of a history runs on: one connection, on one thread.
protocol SimulatedEngine: Sendable {
    /// Keeps what is there now as what each history begins with.
    func keep() throws

    /// Runs one history's `body` on the database as it was kept, and undoes all of it.
    func fresh<T>(_ body: () throws -> T) throws -> T

    func read<T: Sendable>(_ body: (any SQLConnection) throws -> T) throws -> T

    /// One transaction: done when this returns, undone when `body` throws.
    /// - Parameter isKept: false undoes it all the same.
    func write<T: Sendable>(
        _ name: DurableWrite, isKept: Bool, _ body: (any SQLConnection) throws -> T
    ) throws -> T
}

/// SQLite in memory. A history runs inside of one outer transaction that is undone at its end, and its own transactions
/// are savepoints: so the schema is made and the statements are prepared once.
struct SQLiteEngine: SimulatedEngine {
    private let queue: DatabaseQueue

    /// - Parameter sabotage: a planted bug, which has its part in making the schema.
    init(sabotage: Sabotage?) throws {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = true
        // The outer transaction stays open from one access to the next.
        configuration.allowsUnsafeTransactions = true
        queue = try DatabaseQueue(configuration: configuration)
        try queue.writeWithoutTransaction(SQLiteDatabase.migrate)
        if let sabotage {
            try queue.writeWithoutTransaction { db in try sabotage.schema(SQLiteConnection(db: db)) }
        }
    }

    func keep() {}

    func fresh<T>(_ body: () throws -> T) throws -> T {
        try queue.writeWithoutTransaction { db in try db.beginTransaction(.immediate) }
        defer {
            // Nothing to undo would mean that the transaction never began; the next begin would throw, and tell.
            try? queue.writeWithoutTransaction { db in try db.rollback() }
        }
        return try body()
    }

    func read<T>(_ body: (any SQLConnection) throws -> T) throws -> T {
        try translating {
            try queue.writeWithoutTransaction { db in try body(SQLiteConnection(db: db)) }
        }
    }

    func write<T>(
        _ name: DurableWrite, isKept: Bool, _ body: (any SQLConnection) throws -> T
    ) throws -> T {
        try translating {
            try queue.writeWithoutTransaction { db in
                var value: T?
                try db.inSavepoint {
                    value = try body(SQLiteConnection(db: db))
                    return isKept ? .commit : .rollback
                }
                guard let value else { throw CloudError.bug("a transaction without a value") }
                return value
            }
        }
    }

    private func translating<T>(_ body: () throws -> T) throws -> T {
        do {
            return try body()
        } catch let error as DatabaseError {
            throw CloudError(error)
        }
    }
}

/// A real PostgreSQL server, in which each transaction is one of PostgreSQL's own. All rows are taken out and put back as
/// they were kept before each history, and numbers go on where they went on then, so a history takes the same course
/// each time. Only the ids of events differ, which clients of a history never see.
struct PostgresEngine: SimulatedEngine {
    private let database: PostgresDirect

    /// - Parameter connection: of an empty database whose role is a superuser, who may pass by what guards the events.
    init(connection: String) throws {
        database = try PostgresDirect(connection: connection)
        // What a crash of the server would take is no part of a history.
        try database.administer("SET synchronous_commit = off")
    }

    func keep() throws {
        try database.administer(
            """
            CREATE SCHEMA kept;
            CREATE TABLE kept.numbers (name TEXT NOT NULL, value BIGINT);
            \(Self.forEachTable("CREATE TABLE kept.%1$I AS TABLE public.%1$I"));
            INSERT INTO kept.numbers SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public'
            """)
    }

    func fresh<T>(_ body: () throws -> T) throws -> T {
        // Without triggers, those of foreign keys among them. Columns that PostgreSQL computes have no values of their own.
        try database.administer(
            """
            BEGIN;
            SET LOCAL session_replication_role = replica;
            \(Self.forEachTable("DELETE FROM public.%1$I"));
            \(Self.forEachTable("INSERT INTO public.%1$I (%2$s) SELECT %2$s FROM kept.%1$I"));
            SELECT setval(CAST('public.' || name AS REGCLASS), COALESCE(value, 1), value IS NOT NULL) FROM kept.numbers;
            COMMIT
            """)
        return try body()
    }

    func read<T: Sendable>(_ body: (any SQLConnection) throws -> T) throws -> T { try database.read(body) }

    func write<T: Sendable>(
        _ name: DurableWrite, isKept: Bool, _ body: (any SQLConnection) throws -> T
    ) throws -> T { try database.write(name, isKept: isKept, body) }

    /// A statement that runs another for each table: `%1$I` is its name, `%2$s` the names of its columns.
    private static func forEachTable(_ statement: String) -> String {
        """
        DO $$ DECLARE owner RECORD; BEGIN
            FOR owner IN SELECT table_name AS name, string_agg(column_name, ', ') AS columns
                FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
                WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND is_generated = 'NEVER'
                GROUP BY table_name
            LOOP EXECUTE format('\(statement)', owner.name, owner.columns); END LOOP;
        END $$
        """
    }
}

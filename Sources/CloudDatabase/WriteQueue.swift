import GRDB
import Synchronization

/// The order of writes to one SQLite file. Those that wait while another is synced are committed together, each in a
/// savepoint of its own, so that they share the next sync; one that nobody waits beside is a plain transaction.
final class WriteQueue: Sendable {
    private let pool: DatabasePool
    private let changes: Changes
    private let writer: Writer
    private let state = Mutex(State())

    /// Writes that are committed together. Each more keeps all of them waiting, and a sync costs as much as some ten.
    static let mostTogether = 32

    private struct State {
        var waiting: [Write] = []
        var isRunning = false
    }

    /// One write that somebody waits for.
    private struct Write: Sendable {
        /// May run more than once; only what the last run did stands.
        var run: @Sendable (any SQLConnection) throws -> Void
        /// Called once, after the commit or with the reason why there is none.
        var end: @Sendable (Result<Void, any Error>) -> Void
    }

    /// The pool's connection that writes, with its statements.
    ///
    /// Safe: it is used where the pool lets it write alone, one after the other.
    private final class Writer: @unchecked Sendable {
        private var statements: SQLiteStatements?
        private let checkpoints: SQLiteCheckpoints

        init(_ checkpoints: SQLiteCheckpoints) { self.checkpoints = checkpoints }

        /// Throws a `DatabaseError`.
        func prepared(on db: GRDB.Database) throws -> SQLiteStatements {
            if let statements { return statements }
            guard let connection = db.sqliteConnection else {
                throw DatabaseError(resultCode: .SQLITE_MISUSE, message: "the database is closed")
            }
            checkpoints.follow(connection)
            let statements = SQLiteStatements(on: connection)
            self.statements = statements
            return statements
        }

        func leave(_ db: GRDB.Database) {
            guard statements != nil, let connection = db.sqliteConnection else { return }
            statements = nil
            checkpoints.leave(connection)
        }
    }

    /// - Parameter path: of the pool's file.
    init(pool: DatabasePool, path: String, changes: Changes) {
        self.pool = pool
        self.changes = changes
        writer = Writer(SQLiteCheckpoints(path: path))
    }

    /// Writes that wait for their turn.
    var waiting: Int { state.withLock { $0.waiting.count } }

    /// Returns when what `body` did is committed and synced. Throws what `body` or SQLite throws; nothing is done then.
    func write<T: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> T) async throws -> T {
        let value = LastValue<T>()
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            append(Write(run: { sql in value.set(try body(sql)) }, end: { continuation.resume(with: $0) }))
        }
        return try value.get()
    }

    /// Lets go of the pool's connection, which can then be closed.
    func close() { pool.writeWithoutTransaction { writer.leave($0) } }

    private func append(_ write: Write) {
        let starts = state.withLock { state in
            state.waiting.append(write)
            defer { state.isRunning = true }
            return !state.isRunning
        }
        if starts { pool.asyncWriteWithoutTransaction { db in self.runAll(on: db) } }
    }

    private func runAll(on db: GRDB.Database) {
        let opened = Result { try writer.prepared(on: db) }
        while let writes = next() {
            switch opened {
            case .failure(let error): for write in writes { write.end(.failure(error)) }
            case .success(let sql):
                if writes.count == 1 || !commit(together: writes, on: sql) {
                    for write in writes { commit(write, on: sql) }
                }
            }
        }
    }

    /// `nil` when nobody waits: the next write then starts anew.
    private func next() -> [Write]? {
        state.withLock { state in
            state.isRunning = !state.waiting.isEmpty
            guard state.isRunning else { return nil }
            let writes = Array(state.waiting.prefix(Self.mostTogether))
            state.waiting.removeFirst(writes.count)
            return writes
        }
    }

    private func commit(_ write: Write, on sql: SQLiteStatements) {
        let result = Result { try sql.transaction { try write.run(sql) } }
        tell(of: sql, isCommitted: (try? result.get()) != nil)  // nil: it threw, which `end` tells
        write.end(result)
    }

    /// False when the transaction as a whole failed, on a full disk or for one write's sake, and nothing was done: then
    /// each is tried alone, so that only those fail that have to.
    private func commit(together writes: [Write], on sql: SQLiteStatements) -> Bool {
        var results: [Result<Void, any Error>] = []
        do {
            try sql.transaction {
                for write in writes {
                    results.append(Result { try sql.savepoint { try write.run(sql) } })
                    // After some errors SQLite has undone all of the transaction by itself, the last write's too.
                    guard sql.isInsideTransaction else { throw CancellationError() }
                }
            }
        } catch {
            tell(of: sql, isCommitted: false)
            return false  // Each write, tried alone, meets its own error.
        }
        tell(of: sql, isCommitted: true)
        for (write, result) in zip(writes, results) { write.end(result) }
        return true
    }

    private func tell(of sql: SQLiteStatements, isCommitted: Bool) {
        let tidings = sql.takeTidings()
        if isCommitted, !tidings.teams.isEmpty { changes.signal(tidings.concerned) }
    }
}

/// What the last run of a write returned.
private final class LastValue<T: Sendable>: Sendable {
    private let value = Mutex<T?>(nil)

    func set(_ new: T) { value.withLock { $0 = new } }

    /// Throws a bug before the first `set`.
    func get() throws -> T {
        guard let value = value.withLock({ $0 }) else {
            throw DatabaseError(resultCode: .SQLITE_MISUSE, message: "a write was committed that never ran")
        }
        return value
    }
}

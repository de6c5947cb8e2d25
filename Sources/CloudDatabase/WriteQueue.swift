import GRDB
import Synchronization

/// The order of writes to one SQLite file. Those that wait while another is synced are committed together, each in a
/// savepoint of its own, so that they share the next sync; one that nobody waits beside is a plain transaction.
final class WriteQueue: Sendable {
    private let pool: DatabasePool
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
        var run: @Sendable (GRDB.Database) throws -> Void
        /// Called once, after the commit or with the reason why there is none.
        var end: @Sendable (Result<Void, any Error>) -> Void
    }

    init(pool: DatabasePool) { self.pool = pool }

    /// Writes that wait for their turn.
    var waiting: Int { state.withLock { $0.waiting.count } }

    /// Returns when what `body` did is committed and synced. Throws what `body` or SQLite throws; nothing is done then.
    func write<T: Sendable>(_ body: @escaping @Sendable (GRDB.Database) throws -> T) async throws -> T {
        let value = LastValue<T>()
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            append(Write(run: { db in value.set(try body(db)) }, end: { continuation.resume(with: $0) }))
        }
        return try value.get()
    }

    private func append(_ write: Write) {
        let starts = state.withLock { state in
            state.waiting.append(write)
            defer { state.isRunning = true }
            return !state.isRunning
        }
        if starts { pool.asyncWriteWithoutTransaction { db in self.runAll(on: db) } }
    }

    private func runAll(on db: GRDB.Database) {
        while let writes = next() {
            if writes.count == 1 || !commit(together: writes, on: db) {
                for write in writes { commit(write, on: db) }
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

    private func commit(_ write: Write, on db: GRDB.Database) {
        write.end(
            Result {
                try db.inTransaction {
                    try write.run(db)
                    return .commit
                }
            })
    }

    /// False when the transaction as a whole failed, on a full disk or for one write's sake, and nothing was done: then
    /// each is tried alone, so that only those fail that have to.
    private func commit(together writes: [Write], on db: GRDB.Database) -> Bool {
        var results: [Result<Void, any Error>] = []
        var isCommitted = false
        do {
            try db.inTransaction {
                for write in writes {
                    results.append(Result { try savepoint(write, on: db) })
                    // After some errors SQLite has undone all of the transaction by itself, the last write's too.
                    guard db.isInsideTransaction else { return .rollback }
                }
                isCommitted = true
                return .commit
            }
        } catch {
            return false  // Each write, tried alone, meets its own error.
        }
        guard isCommitted else { return false }
        for (write, result) in zip(writes, results) { write.end(result) }
        return true
    }

    private func savepoint(_ write: Write, on db: GRDB.Database) throws {
        try db.inSavepoint {
            try write.run(db)
            return .commit
        }
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

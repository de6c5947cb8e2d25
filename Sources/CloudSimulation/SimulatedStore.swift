import CloudControl
import CloudCore
import CloudDatabase
import GRDB
import Synchronization

/// SQLite in memory with the real schema, used by one history after the other on one thread. A history runs inside of one
/// outer transaction that is undone at its end, and its own transactions are savepoints: so the schema is made and
/// the statements are prepared once.
final class SimulatedStore: Sendable {
    private let queue: DatabaseQueue
    private let ownerKeys = Mutex<[String]>([])

    /// Teams with clients, and one without.
    static let teams = ["first", "second"]
    static let idleTeam = "idle"

    /// Makes schema and teams, on the thread that is to run the histories.
    /// - Parameter sabotage: a planted bug, which has its part in making them.
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
        let keys = try makeTeams(sabotage)
        ownerKeys.withLock { $0 = keys }
    }

    /// Owners' keys of the teams, which are in the database before each history.
    var keys: [String] { ownerKeys.withLock { $0 } }

    /// Makes the teams and returns their owners' keys. Once, on a new store.
    private func makeTeams(_ sabotage: Sabotage?) throws -> [String] {
        let clock = SimulatedClock(seed: 0, maxLateMs: 0)
        let random = Chance(seed: 0)
        let cloud = Cloud(
            database: StoreDatabase(store: self, sabotage: sabotage), catalogue: .simulated,
            settings: try CloudSettings.simulated(History.Shape()), clock: clock, randomBytes: random.bytes,
            wake: {})
        let keys: Result<[String], any Error> = try SimulationExecutor(seed: 0).run(timePasses: clock.pass) {
            do {
                var keys: [String] = []
                for name in Self.teams + [Self.idleTeam] {
                    keys.append(try await CreateTeam(name: name).run(in: cloud).key.secret)
                }
                return .success(keys)
            } catch {
                return .failure(error)
            }
        }
        return try keys.get()
    }

    /// Runs one history's `body` on the database as it was made, and undoes all of it.
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

    /// One transaction: done when this returns, undone when `body` throws.
    /// - Parameter isKept: false undoes it all the same.
    func write<T>(isKept: Bool = true, _ body: (any SQLConnection) throws -> T) throws -> T {
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

/// The store as it is, without any fault: for the operator, and for whoever judges.
struct StoreDatabase: CloudDatabase.Database {
    let store: SimulatedStore
    var sabotage: Sabotage?
    let changes = Changes()

    init(store: SimulatedStore, sabotage: Sabotage? = nil) {
        self.store = store
        self.sabotage = sabotage
    }

    func read<T: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> T
    ) async throws -> T { try store.read { sql in try body(connection(sql, nil)) } }

    func write<T: Sendable>(
        _ name: DurableWrite, _ body: @escaping @Sendable (any SQLConnection) throws -> T
    ) async throws -> T { try store.write { sql in try body(connection(sql, name)) } }

    private func connection(_ sql: any SQLConnection, _ write: DurableWrite?) -> any SQLConnection {
        sabotage?.connection(sql, Sabotage.Context(write: write, program: -1)) ?? sql
    }
}

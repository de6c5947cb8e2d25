import CloudControl
import CloudCore
import CloudDatabase
import Synchronization

/// A database with the real schema, used by one history after the other on one thread.
final class SimulatedStore: Sendable {
    private let engine: any SimulatedEngine
    private let ownerKeys = Mutex<[String]>([])

    /// Teams with clients, and one without.
    static let teams = ["first", "second"]
    static let idleTeam = "idle"

    /// Makes the teams, on the thread that is to run the histories.
    /// - Parameter sabotage: a planted bug, which has its part in making them.
    init(_ engine: any SimulatedEngine, sabotage: Sabotage?) throws {
        self.engine = engine
        let keys = try makeTeams(sabotage)
        ownerKeys.withLock { $0 = keys }
        try engine.keep()
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
    func fresh<T>(_ body: () throws -> T) throws -> T { try engine.fresh(body) }

    func read<T: Sendable>(_ body: (any SQLConnection) throws -> T) throws -> T { try engine.read(body) }

    /// One transaction: done when this returns, undone when `body` throws.
    /// - Parameter isKept: false undoes it all the same.
    func write<T: Sendable>(
        _ name: DurableWrite, isKept: Bool = true, _ body: (any SQLConnection) throws -> T
    ) throws -> T { try engine.write(name, isKept: isKept, body) }
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
    ) async throws -> T { try store.write(name) { sql in try body(connection(sql, name)) } }

    private func connection(_ sql: any SQLConnection, _ write: DurableWrite?) -> any SQLConnection {
        sabotage?.connection(sql, Sabotage.Context(write: write, program: -1)) ?? sql
    }
}

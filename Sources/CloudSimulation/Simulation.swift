import CloudCore

/// Carries histories out, one after the other, on the thread that made it.
public struct Simulation: Sendable {
    private let store: SimulatedStore
    private let sabotage: Sabotage?

    /// On SQLite in memory.
    /// - Parameter sabotage: a planted bug; `nil` for the product as it is.
    public init(sabotage: Sabotage? = nil) throws {
        store = try SimulatedStore(try SQLiteEngine(sabotage: sabotage), sabotage: sabotage)
        self.sabotage = sabotage
    }

    /// On PostgreSQL.
    /// - Parameter postgres: connection string of an empty database, whose role must be a superuser.
    public init(postgres: String) throws {
        store = try SimulatedStore(try PostgresEngine(connection: postgres), sabotage: nil)
        sabotage = nil
    }

    /// What came of a history.
    public struct Result: Sendable {
        public var history: History
        /// What was not as promised; empty: all was.
        public var findings: [Finding]
        public var figures: Figures
        /// Empty unless it was asked for.
        public var trace: String
    }

    /// Throws `SimulationError` when the history can't be carried out to its end.
    public func run(_ history: History, traced: Bool = false) throws -> Result {
        let trace = traced ? Trace() : nil
        let world = try World(history, store: store, sabotage: sabotage, trace: trace)
        try store.fresh {
            try world.executor.run(timePasses: world.clock.pass) { await Course(world: world).run() }
        }
        return Result(
            history: history, findings: world.promises.findings, figures: world.figures,
            trace: trace?.text ?? "")
    }
}

import CloudDatabase

/// Counts how often bodies of creates are run.
public struct CountingDatabase: Database {
    private let database: any Database
    private let runs: Tally

    public init(database: any Database, runs: Tally) {
        self.database = database
        self.runs = runs
    }

    public var changes: Changes { database.changes }

    public func read<T: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> T
    ) async throws -> T { try await database.read(body) }

    public func write<T: Sendable>(
        _ name: DurableWrite, _ body: @escaping @Sendable (any SQLConnection) throws -> T
    ) async throws -> T {
        try await database.write(name) { sql in
            if name == .createCompute { runs.add(1) }
            return try body(sql)
        }
    }
}

import CloudCore
import CloudDatabase
import Synchronization

/// A database that throws what a test plants, and counts what is asked of it.
public final class FaultyDatabase: Database {
    private struct State {
        var readFault: (any Error)?
        var writeFault: (any Error)?
        /// Writes that still pass before the fault.
        var passing = 0
        var writes = 0
    }

    private let database: any Database
    private let state = Mutex(State())

    public init(_ database: any Database) { self.database = database }

    /// What every read and every write throws from now on; `nil`: nothing.
    /// - Parameter afterWrites: how many writes pass before the first that throws.
    public func set(
        readFault: (any Error)? = nil, writeFault: (any Error)? = nil, afterWrites: Int = 0
    ) {
        state.withLock {
            $0.readFault = readFault
            $0.writeFault = writeFault
            $0.passing = afterWrites
        }
    }

    public var changes: Changes { database.changes }

    /// How often a write was asked for.
    public var writes: Int { state.withLock { $0.writes } }

    public func read<T: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> T
    ) async throws -> T {
        if let fault = state.withLock({ $0.readFault }) { throw fault }
        return try await database.read(body)
    }

    public func write<T: Sendable>(
        _ name: DurableWrite,
        _ body: @escaping @Sendable (any SQLConnection) throws -> T
    ) async throws -> T {
        let fault = state.withLock { state -> (any Error)? in
            state.writes += 1
            guard state.passing == 0 else {
                state.passing -= 1
                return nil
            }
            return state.writeFault
        }
        if let fault { throw fault }
        return try await database.write(name, body)
    }
}

extension Database {
    /// A write that only a test makes: it plants rows. No test asks for its name.
    public func write<T: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> T
    ) async throws -> T {
        try await write(.createCell, body)
    }
}

import CloudCore

/// One connection to PostgreSQL for one thread, with blocking calls: the transactions of `PostgresDatabase` without its pool,
/// its reruns and its notifications. For the simulation, in which nothing may wait for another thread.
package final class PostgresDirect: Sendable {
    // Safe: whoever makes this uses it on one thread alone, as the simulation does.
    private nonisolated(unsafe) let client: PostgresClient

    /// Connects, and brings the schema up to date. Throws as `PostgresDatabase` does.
    package init(connection: String) throws {
        let settings = try PostgresSettings(connection: connection)
        try PostgresSchema(settings: settings).upgrade()
        client = try PostgresClient(settings)
    }

    package func read<T: Sendable>(_ body: (any SQLConnection) throws -> T) throws -> T {
        try run(.read, body)
    }

    /// - Parameter isKept: false undoes it, and returns what `body` returned all the same.
    package func write<T: Sendable>(
        _ name: DurableWrite, isKept: Bool = true, _ body: (any SQLConnection) throws -> T
    ) throws -> T {
        do {
            return try run(.write(name)) { sql in
                let value = try body(sql)
                if isKept { return value }
                throw Undone(value: value)
            }
        } catch let undone as Undone<T> {
            return undone.value
        }
    }

    /// Runs statements outside of any transaction of ours, and returns the first value that the last one answers.
    @discardableResult
    package func administer(_ sql: String) throws -> String { try client.value(sql) }

    private struct Undone<T: Sendable>: Error {
        var value: T
    }

    private func run<T: Sendable>(
        _ transaction: PostgresTransaction, _ body: (any SQLConnection) throws -> T
    ) throws -> T {
        switch transaction.run(on: client, body) {
        case .committed(let value, _): return value
        case .undone(let error): throw (error as? PostgresError)?.cloudError ?? error
        case .inDoubt: throw CloudError.databaseAway("the connection was lost in a commit")
        }
    }
}

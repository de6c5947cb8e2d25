import CloudCore

/// PostgreSQL's side of the portable connection, for the length of one transaction.
final class PostgresConnection: SQLConnection {
    private let client: PostgresClient
    /// What the first statement that failed was answered. PostgreSQL undoes the whole transaction then, whatever its body
    /// makes of the error.
    private(set) var failure: PostgresError?
    private(set) var hasWritten = false
    /// Whether something was written that others wait for.
    private(set) var tells = false

    init(_ client: PostgresClient) { self.client = client }

    var dialect: Dialect { .postgres }

    func query(_ sql: String, _ arguments: [any SQLArgument]) throws -> [SQLRow] {
        try run(sql, arguments).rows()
    }

    func execute(_ sql: String, _ arguments: [any SQLArgument]) throws -> Int {
        try run(sql, arguments).count
    }

    private func run(_ sql: String, _ arguments: [any SQLArgument]) throws -> PostgresResult {
        if let failure { throw failure }
        do {
            let result = try client.run(sql, arguments.map(\.sqlValue))
            if result.hasWritten {
                hasWritten = true
                tells = tells || Self.tells(sql)
            }
            return result
        } catch let error as PostgresError {
            failure = error
            throw error
        }
    }

    /// What `CommitObserver` looks for in SQLite: an event, another state, or another phase of a move.
    private static func tells(_ sql: String) -> Bool {
        sql.hasPrefix("INSERT INTO events") || sql.hasPrefix("UPDATE computes SET state")
            || sql.hasPrefix("UPDATE moves SET phase")
    }
}

import CloudCore

/// One run of a transaction's body on one connection.
struct PostgresTransaction {
    /// The statements before the first of the body.
    private let begin: [String]

    /// One consistent snapshot.
    static let read = PostgresTransaction(begin: ["BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"])

    /// A lock is taken before the snapshot, which is taken by the first query: who waited for it sees what the one before
    /// him did.
    static func write(_ name: DurableWrite) -> PostgresTransaction {
        let isolation = name.isolation
        let begin = "BEGIN ISOLATION LEVEL \(isolation.level)"
        return PostgresTransaction(
            begin: [begin] + (isolation.lock.map { ["LOCK TABLE cell IN \($0) MODE"] } ?? []))
    }

    /// What became of it.
    enum Outcome<T: Sendable>: Sendable {
        case committed(T, Tidings)
        /// Nothing was done.
        case undone(any Error)
        /// The connection was lost while it committed.
        case inDoubt(T, PostgresCommit)
    }

    func run<T: Sendable>(
        on client: PostgresClient, _ body: (any SQLConnection) throws -> T
    ) -> Outcome<T> {
        let sql = PostgresConnection(client, begin: begin)
        do {
            let value = try body(sql)
            if let failure = sql.failure { throw failure }
            return try commit(value, sql, client)
        } catch {
            return undone(sql.failure ?? error, sql, client)
        }
    }

    private func undone<T: Sendable>(
        _ reason: any Error, _ sql: PostgresConnection, _ client: PostgresClient
    ) -> Outcome<T> {
        if sql.hasBegun { client.undo(isFit: (reason as? PostgresError)?.remedy != .elsewhere) }
        return .undone(reason)
    }

    private func commit<T: Sendable>(
        _ value: T, _ sql: PostgresConnection, _ client: PostgresClient
    ) throws -> Outcome<T> {
        let end = PostgresStatement(sql: "COMMIT", isPlain: true)
        guard sql.mayHaveWritten else {
            if sql.hasBegun { _ = try sql.send([end]) }
            return .committed(value, Tidings())
        }
        let commit = PostgresCommit(token: client.nextToken(), tidings: sql.tidings)
        do {
            let tag = try sql.send([commit.note, end]).tag
            // A transaction that has failed answers ROLLBACK, which is no error to the server.
            guard tag == "COMMIT" else { throw CloudError.bug("PostgreSQL answered COMMIT with \(tag)") }
            return .committed(value, sql.tidings)
        } catch let error as PostgresError where error.isLost {
            client.undo(isFit: false)
            return .inDoubt(value, commit)
        }
    }
}

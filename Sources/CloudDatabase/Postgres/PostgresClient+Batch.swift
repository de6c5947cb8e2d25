import CPostgres
import CloudCore

extension PostgresClient {
    /// Runs statements in order and returns their answers, in one round trip
    /// (https://www.postgresql.org/docs/current/libpq-pipeline-mode.html). Throws what the first that fails was answered;
    /// those behind it are not run.
    ///
    /// All are sent before any answer is read, so they must be few, and their answers short.
    func run(_ statements: [PostgresStatement]) throws -> [PostgresResult] {
        if statements.count == 1, let only = statements.first, !only.isPlain {
            return [try run(only.sql, only.arguments)]
        }
        // Not prepared within: a statement that is prepared must be there whatever fails.
        let names = try statements.map { $0.isPlain ? nil : try prepared($0.sql, $0.arguments) }
        let arguments = try statements.map { CStrings(try $0.arguments.map(Self.text)) }
        // Safe: takes our connection alone, on which nothing is under way.
        guard PQenterPipelineMode(connection) == 1 else { throw lost }
        for (index, statement) in statements.enumerated() {
            let count = Int32(statement.arguments.count)
            let isSent =
                if let name = names[index] {
                    // Safe: name and texts outlive the call, and there are as many as the count says.
                    PQsendQueryPrepared(
                        connection, name, count, arguments[index].pointers, nil, nil, 0)
                } else {
                    // Safe: the text outlives the call; there are no arguments.
                    PQsendQueryParams(connection, statement.sql, 0, nil, nil, nil, nil, 0)
                }
            guard isSent == 1 else { throw lost }
        }
        // Safe: takes our connection alone.
        guard PQpipelineSync(connection) == 1 else { throw lost }
        let results = statements.map { _ in result(withEnd: true) }
        _ = result(withEnd: false)
        // Safe: takes our connection alone. It fails when not all was read, which a lost connection alone can bring about.
        guard PQexitPipelineMode(connection) == 1 else { throw lost }
        return try results.map { try $0.get() }
    }

    /// The answer to the next statement.
    /// - Parameter withEnd: whether the mark behind it is to be read too, which a statement has and the end has not.
    private func result(withEnd: Bool) -> Result<PostgresResult, any Error> {
        // Safe: PostgresResult frees the result, and the mark is none.
        let result = Result { try PostgresResult(PQgetResult(connection), of: self) }
        if withEnd { PQclear(PQgetResult(connection)) }
        return result
    }

    private var lost: PostgresError {
        undo(isFit: false)
        return PostgresError(state: "08006", message: lastMessage, isLost: true)
    }
}

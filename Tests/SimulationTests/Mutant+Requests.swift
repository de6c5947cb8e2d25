import CloudAudit
import CloudDatabase
import CloudSimulation
import CloudWire
import Foundation

extension Mutant {
    /// Bugs in what becomes of a request.
    static let ofRequests: [Mutant] = [
        Mutant(
            "does not compare a request with the first of its key",
            breaks: ClientPromise.keyTellsRequestsApart,
            .sql { statement in
                guard statement.has("LEFT JOIN idempotency_keys"), let body = statement.context.body else {
                    return .none
                }
                let rows = try statement.database.query(statement.text, statement.arguments)
                let digest = try digest(of: body, statement)
                return .answer(rows.map { $0["endpoint"] == .null ? $0 : $0.with("request", .text(digest)) })
            }),
        Mutant(
            "forgets the key of a create", breaks: ClientPromise.sameKeySameAnswer,
            .skipping("INSERT INTO idempotency_keys")),
        Mutant(
            "makes a compute without a key", breaks: Invariant.oneKeyPerCompute,
            .skipping("INSERT INTO idempotency_keys")),
        Mutant(
            "keeps another answer than it gives", breaks: Invariant.answerNamesCompute,
            .sql { statement in
                guard statement.has("INSERT INTO idempotency_keys"), let answer = statement.text(6) else {
                    return .none
                }
                return statement.with([6: answer.replacing("\"id\":\"", with: "\"id\":\"9")])
            }),
        Mutant(
            "does not log who asked for a compute", breaks: Invariant.createIsLogged,
            .sql { $0.has("INSERT INTO events") && $0.text(4) == "compute.created" ? .skip() : .none }),
        Mutant(
            "does not find a key that works", breaks: ClientPromise.answerIsInTheContract,
            .sql { $0.has("FROM api_keys WHERE key_hash") ? .answer([]) : .none }),
        Mutant(
            "gives no reason for a failure", breaks: ClientPromise.acceptedCreateIsThere,
            .skipping("UPDATE computes SET failure_code")),
        Mutant(
            "forgets a delete that it has accepted", breaks: ClientPromise.acceptedDeleteEnds,
            .sql {
                $0.has("UPDATE jobs SET action = $2, due_at_ms") && $0.text(2) == "delete" ? .skip() : .none
            }),
    ]

    /// What is kept of a body with its key.
    private static func digest(of body: String, _ statement: Statement) throws -> String {
        guard case .object(let members) = try JSONValue(parsing: Array(body.utf8)) else { return "{}" }
        return RequestDigest(
            of: try members.mapValues { try $0.canonical() }, teamId: statement.int(2) ?? 0,
            endpoint: statement.text(3) ?? "", key: statement.text(4) ?? ""
        ).text
    }
}

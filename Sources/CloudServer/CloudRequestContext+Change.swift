import CloudControl
import CloudCore
import Hummingbird

extension CloudRequestContext {
    /// What tells a request to change something from another.
    /// - Parameter members: those of the body that mean something (`KnownMembers`), which only a key needs.
    func changeRequest(
        _ endpoint: String, _ key: IdempotencyKey?, _ members: @autoclosure () throws -> [String: String]
    ) throws -> ChangeRequest {
        ChangeRequest(
            endpoint: endpoint, key: key, members: key == nil ? [:] : try members(),
            caller: try requireCaller(), requestId: requestId)
    }
}

extension Request {
    /// The Idempotency-Key of a request that may come without one. Throws `INVALID_IDEMPOTENCY_KEY`.
    func idempotencyKeyIfSent() throws(CloudError) -> IdempotencyKey? {
        try IdempotencyKey.ifSent(header: headers.value(of: .idempotencyKey))
    }
}

extension Envelope {
    /// The answer to a change, with the mark of a replay if it is one.
    static func response(_ status: HTTPResponse.Status, _ outcome: ChangeRequest.Outcome) -> Response {
        var response = response(status, body: outcome.answer)
        if outcome.replayed { response.headers[.idempotentReplayed] = "true" }
        return response
    }
}

import CloudCore
import CloudDatabase

/// `POST /computes`: exactly one compute for each idempotency key, whatever crashes or is sent twice.
public struct CreateCompute: Sendable {
    public static let endpoint = "POST /computes"

    public var asked: ComputeRequest
    public var request: ChangeRequest
    public var answer: Answer<Compute>

    public init(_ asked: ComputeRequest, request: ChangeRequest, answer: @escaping Answer<Compute>) {
        self.asked = asked
        self.request = request
        self.answer = answer
    }

    /// Returns after the commit. Throws `FORBIDDEN`, `VALIDATION_ERROR`, `RESOURCE_NOT_FOUND` for a slug,
    /// `UNPROCESSABLE_ENTITY` for a key that was used otherwise, no room, or no address, the team's standing, and
    /// `INSUFFICIENT_BALANCE`. What throws changes nothing, the idempotency key included.
    public func run(in cloud: Cloud) async throws -> ChangeRequest.Outcome {
        try request.caller.require(.changeComputes)
        let make = MakeCompute(
            asked, caller: request.caller, requestId: request.requestId, cloud.settings)
        let outcome = try await cloud.database.write(.createCompute) { sql in
            let now = cloud.clock.nowMs
            // What was accepted once is answered again, whatever the operator's rules are by now.
            return try request.idempotently(
                .changeComputes, sql, cloud, nowMs: now, keptForLife: true, answer: answer
            ) { try make.run(sql, cloud, nowMs: now) }
        }
        if !outcome.replayed { cloud.wake() }
        return outcome
    }
}

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
        let make = MakeCompute(
            asked, caller: request.caller, requestId: request.requestId, cloud.settings)
        // A retry gets the first answer, even when the operator's settings have changed since.
        return try await request.carryOut(
            .createCompute, .changeComputes, in: cloud, keptForLife: true, answer: answer
        ) { try make.run($0, cloud, nowMs: $1) }
    }
}

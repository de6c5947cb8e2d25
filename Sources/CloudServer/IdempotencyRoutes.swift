import CloudControl
import CloudCore
import CloudWire
import Hummingbird

/// `/idempotency-keys`: did it happen?
struct IdempotencyRoutes: Sendable {
    let cloud: Cloud

    var all: [Route] { [.api(.get, "/idempotency-keys/{key}", handle: find)] }

    @Sendable
    private func find(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        let key = try IdempotencyKey(header: context.parameter)
        let uses = try await FindIdempotencyKey(key: key, caller: try context.requireCaller()).run(in: cloud)
        return try Envelope(context, cloud.clock).response(
            .ok,
            uses.map {
                IdempotencyKeyUseWire(
                    endpoint: $0.endpoint, computeId: $0.computeId.map { "\($0)" },
                    usedAt: Timestamp.text($0.createdAtMs), expiresAt: $0.expiresAtMs.map(Timestamp.text))
            })
    }
}

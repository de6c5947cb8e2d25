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
            uses.map { IdempotencyKeyUseWire($0) })
    }
}

extension IdempotencyKeyUseWire {
    fileprivate init(_ use: FindIdempotencyKey.Use) {
        let resource = use.resource.map { ResourceWire(kind: $0.kind.rawValue, id: String($0.id)) }
        self.init(
            endpoint: use.endpoint,
            computeId: use.resource?.kind == .compute ? resource?.id : nil, resource: resource,
            usedAt: Timestamp.text(use.createdAtMs), expiresAt: use.expiresAtMs.map(Timestamp.text))
    }
}

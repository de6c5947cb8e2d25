import CloudControl
import CloudCore
import CloudWire
import HTTPTypes
import Hummingbird
import ServiceLifecycle

/// `/computes`.
struct ComputeRoutes: Sendable {
    let cloud: Cloud
    private let waits = Places("requests that wait", perKey: maxWaitsPerKey, inAll: maxWaits)

    /// Requests with `wait` that one key can have under way, and all keys together.
    static let maxWaitsPerKey = 16
    static let maxWaits = 200

    init(cloud: Cloud) { self.cloud = cloud }

    var all: [Route] {
        [
            Route(method: .post, path: "/computes", handle: create),
            Route(method: .get, path: "/computes", handle: list),
            Route(method: .get, path: "/computes/{id}", handle: get),
            Route(method: .delete, path: "/computes/{id}", handle: delete),
        ]
    }

    @Sendable
    private func create(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        let caller = try context.requireCaller()
        let key = try IdempotencyKey(header: request.headers[.idempotencyKey])
        let members = try await JSONBody.members(of: request)
        let asked = try ComputeRequest(members: members)
        let envelope = Envelope(context, cloud.clock)
        let warnings = warnings(asked)
        let outcome = try await CreateCompute(
            request: asked, key: key, members: members.mapValues { try $0.canonical() }, caller: caller,
            requestId: context.requestId,
            answer: { try envelope.text(ComputeWire($0), warnings: warnings) }
        ).run(in: cloud)
        var response = Envelope.response(.accepted, body: outcome.answer)
        if outcome.replayed { response.headers[.idempotentReplayed] = "true" }
        return response
    }

    private func warnings(_ asked: ComputeRequest) -> [String] {
        guard asked.withPublicIp, cloud.settings.sshPorts != nil else { return asked.warnings }
        return asked.warnings + [
            "withPublicIp: this host has no network of its own for guests, so the compute gets no public address; "
                + "sshEndpoint leads to it. Run the server as root to give out addresses."
        ]
    }

    @Sendable
    private func list(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        var query = Query(request)
        let (page, filter) = (query.page(of: .computes), query.computeFilter())
        try query.check()
        let items = try await ListComputes(page: page, filter: filter, caller: try context.requireCaller())
            .run(in: cloud)
        return try Envelope(context, cloud.clock).list(items, page) { ComputeWire($0) }
    }

    @Sendable
    private func get(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        var query = Query(request)
        let wait = query.computeWait()
        try query.check()
        let (id, caller) = (try context.requireId(), try context.requireCaller())
        let compute =
            if let wait {
                try await waited(WaitForCompute(id: id, wait: wait, caller: caller))
            } else {
                try await GetCompute(id: id, caller: caller).run(in: cloud)
            }
        return try Envelope(context, cloud.clock).response(.ok, ComputeWire(compute))
    }

    /// A server that ends answers at once, with the compute as it is.
    private func waited(_ wait: WaitForCompute) async throws -> Compute {
        let place = try waits.take(keyId: wait.caller.keyId)
        defer { withExtendedLifetime(place) {} }
        return try await cancelWhenGracefulShutdown { try await wait.run(in: cloud) }
    }

    @Sendable
    private func delete(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        let compute = try await DeleteCompute(
            id: try context.requireId(), caller: try context.requireCaller(), requestId: context.requestId
        ).run(in: cloud)
        return try Envelope(context, cloud.clock).response(.accepted, ComputeWire(compute))
    }
}

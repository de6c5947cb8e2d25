import CloudControl
import CloudCore
import CloudWire
import HTTPTypes
import Hummingbird

/// `/computes`.
struct ComputeRoutes: Sendable {
    let cloud: Cloud

    var all: [Route] {
        [
            Route(method: .post, path: "/computes", handle: create),
            Route(method: .get, path: "/computes", handle: list),
            Route(method: .get, path: "/computes/{id}", guests: .ownCompute, handle: get),
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
        let page = try Page(request)
        let (computes, total) = try await ListComputes(page: page, caller: try context.requireCaller()).run(
            in: cloud)
        return try Envelope(context, cloud.clock).list(computes.map { ComputeWire($0) }, page, total: total)
    }

    @Sendable
    private func get(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        let asked =
            try context.guest.map { GetCompute(guest: $0) }
            ?? GetCompute(id: try context.requireId(), caller: try context.requireCaller())
        let compute = try await asked.run(in: cloud)
        return try Envelope(context, cloud.clock).response(.ok, ComputeWire(compute))
    }

    @Sendable
    private func delete(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        let compute = try await DeleteCompute(
            id: try context.requireId(), caller: try context.requireCaller(), requestId: context.requestId
        ).run(in: cloud)
        return try Envelope(context, cloud.clock).response(.accepted, ComputeWire(compute))
    }
}

extension Page {
    /// The page that the query asks for.
    init(_ request: Request) throws(CloudError) {
        try self.init(
            page: request.uri.queryParameters["page"].map(String.init),
            limit: request.uri.queryParameters["limit"].map(String.init))
    }
}

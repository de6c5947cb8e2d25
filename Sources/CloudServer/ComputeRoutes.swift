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
            Route(method: .get, path: "/computes/{id}", handle: get),
            Route(method: .delete, path: "/computes/{id}", handle: delete),
        ]
    }

    @Sendable
    private func create(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        if try request.isDryRun() { return try await quote(request, context) }
        let caller = try context.requireCaller()
        let key = try IdempotencyKey(header: request.headers[.idempotencyKey])
        let members = try await JSONBody.members(of: request)
        let asked = try ComputeRequest(members: members)
        let envelope = Envelope(context, cloud.clock)
        let warnings = warnings(asked)
        let outcome = try await CreateCompute(
            request: asked, key: key, members: members.mapValues { try $0.canonical() }, caller: caller,
            requestId: context.requestId,
            answer: { compute in
                let cost = cloud.settings.billing.isOn ? Int64(0) : nil
                return try envelope.text(
                    ComputeWire(compute, costMilliRwf: cost), warnings: warnings)
            }
        ).run(in: cloud)
        var response = Envelope.response(.accepted, body: outcome.answer)
        if outcome.replayed { response.headers[.idempotentReplayed] = "true" }
        return response
    }

    /// A create that is checked and priced, and not made. It needs no key, and does not use one up.
    private func quote(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        if let key = request.headers[.idempotencyKey] { _ = try IdempotencyKey(header: key) }
        let asked = try ComputeRequest(members: try await JSONBody.members(of: request))
        let quote = try await QuoteCompute(
            request: asked, caller: try context.requireCaller(), requestId: context.requestId
        ).run(in: cloud)
        let body = try Envelope(context, cloud.clock).text(
            ComputeQuoteWire(quote), warnings: warnings(asked))
        return Envelope.response(.ok, body: body)
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
        return try Envelope(context, cloud.clock).list(try await wires(computes), page, total: total)
    }

    @Sendable
    private func get(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        let compute = try await GetCompute(id: try context.requireId(), caller: try context.requireCaller())
            .run(in: cloud)
        return try Envelope(context, cloud.clock).response(.ok, try await wires([compute])[0])
    }

    @Sendable
    private func delete(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        let compute = try await DeleteCompute(
            id: try context.requireId(), caller: try context.requireCaller(), requestId: context.requestId
        ).run(in: cloud)
        return try Envelope(context, cloud.clock).response(.accepted, try await wires([compute])[0])
    }

    /// At most a page of computes as the public API shows them, with what they have cost.
    private func wires(_ computes: [Compute]) async throws -> [ComputeWire] {
        let costs = try await ReadCosts(computeIds: computes.map(\.id)).run(in: cloud)
        return computes.map { ComputeWire($0, costMilliRwf: costs[$0.id]) }
    }
}

extension Request {
    /// Whether the query has `dryRun=true`. Throws `BAD_REQUEST` for what is neither `true` nor `false`.
    fileprivate func isDryRun() throws(CloudError) -> Bool {
        switch uri.queryParameters["dryRun"].map(String.init) {
        case nil, "false": return false
        case "true": return true
        case .some(let other):
            throw CloudError(
                .badRequest,
                "dryRun: '\(other.shown)' is neither true nor false. Send dryRun=true, or leave it out.",
                problems: [Problem("dryRun", "'\(other.shown)' is neither true nor false.")])
        }
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

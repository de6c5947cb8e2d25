import CloudControl
import CloudCore
import CloudWire
import HTTPTypes
import Hummingbird

/// `/computes`.
struct ComputeRoutes: Sendable {
    let cloud: Cloud
    /// Shared with the requests that wait for snapshots.
    let waits: Places

    var all: [Route] {
        [
            .api(.post, "/computes", body: Self.body(#"{"hostName": …}"#), handle: create),
            .api(.get, "/computes", handle: list),
            .api(.get, "/computes/{id}", access: .key(guests: .ownCompute), handle: get),
            .api(.patch, "/computes/{id}", body: Self.body(#"{"hostName": …}"#), handle: update),
            .api(.delete, "/computes/{id}") { try await change(.delete, $0, $1) },
            .api(.post, "/computes/{id}/start") { try await change(.start, $0, $1) },
            .api(.post, "/computes/{id}/stop") { try await change(.stop, $0, $1) },
            .api(.post, "/computes/{id}/reboot") { try await change(.reboot, $0, $1) },
            .api(
                .post, "/computes/{id}/restore", body: Self.body(#"{"snapshot": …}"#), handle: restore),
            .api(
                .patch, "/computes/{id}/upsize", body: Self.body(#"{"newSpecification": …}"#), handle: upsize),
        ]
    }

    private static func body(_ example: String) -> RouteBody {
        .json(JSONBody(example, shorten: "Send fewer or shorter keys and tags."))
    }

    @Sendable
    private func create(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        let key = try IdempotencyKey(header: request.headers.value(of: .idempotencyKey))
        var query = Query(request)
        let isDryRun = query.dryRun()
        try query.check()
        if isDryRun { return try await quote(request, context) }
        let members = try await context.members(of: request)
        let asked = try ComputeRequest(members: members)
        let change = try context.changeRequest(
            CreateCompute.endpoint, key, try KnownMembers.ofCreate(members))
        let create = CreateCompute(
            asked, request: change, answer: answer(context, warnings: warnings(asked, members)))
        return Envelope.response(.accepted, try await create.run(in: cloud))
    }

    /// Answers a change with the compute.
    private func answer(_ context: CloudRequestContext, warnings: [String] = []) -> Answer<Compute> {
        let envelope = Envelope(context, cloud.clock)
        return { compute, cost in
            context.trace.note(compute: String(compute.id))
            return try envelope.text(ComputeWire(compute, costMilliRwf: cost), warnings: warnings)
        }
    }

    /// A create that is checked and priced, and not made. It is the same request, and does not use its key up.
    private func quote(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        let members = try await context.members(of: request)
        let asked = try ComputeRequest(members: members)
        let quote = try await QuoteCompute(
            asked, caller: try context.requireCaller(), requestId: context.requestId
        ).run(in: cloud)
        let body = try Envelope(context, cloud.clock).text(
            ComputeQuoteWire(quote), warnings: warnings(asked, members))
        return Envelope.response(.ok, body: body)
    }

    private func warnings(_ asked: ComputeRequest, _ members: [String: JSONValue]) -> [String] {
        var warnings = asked.warnings + KnownMembers.misspeltOfCreate(members)
        if asked.needsCloudInit, let image = cloud.catalogue.image(asked.image), image.source.runsScriptsAlone
        {
            warnings.append(
                "userData: \(image.image) runs a script that begins with #! and nothing else. Send one, or choose an image "
                    + "with cloud-init.")
        }
        if asked.withPublicIp, cloud.settings.sshPorts != nil {
            warnings.append(
                "withPublicIp: this host has no network of its own for guests, so the compute gets no public address; "
                    + "sshEndpoint leads to it. Run the server as root to give out addresses.")
        }
        return warnings
    }

    @Sendable
    private func list(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        var query = Query(request)
        let (page, filter) = (query.page(of: .computes), query.computeFilter())
        try query.check()
        let items = try await ListComputes(page: page, filter: filter, caller: try context.requireCaller())
            .run(in: cloud)
        let costs = try await ReadCosts(resourceIds: items.items.map(\.id)).run(in: cloud)
        return try Envelope(context, cloud.clock).list(items, page) {
            ComputeWire($0, costMilliRwf: costs[$0.id])
        }
    }

    @Sendable
    private func get(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        if let guest = context.guest {
            return try await shown(GetCompute(guest: guest).run(in: cloud), context)
        }
        var query = Query(request)
        let wait = query.computeWait()
        try query.check()
        let (id, caller) = (try context.requireId(), try context.requireCaller())
        let compute =
            if let wait {
                try await waits.held(by: caller) {
                    try await WaitForCompute(id: id, wait: wait, caller: caller).run(in: cloud)
                }
            } else {
                try await GetCompute(id: id, caller: caller).run(in: cloud)
            }
        return try await shown(compute, context)
    }

    @Sendable
    private func update(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        let members = try await context.members(of: request)
        let update = try ComputeUpdate(members: members)
        return try await change(
            .update(update), request, context, try KnownMembers.ofUpdate(members), status: .ok,
            warnings: KnownMembers.misspeltOfUpdate(members))
    }

    @Sendable
    private func restore(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        let members = try await context.members(of: request)
        let change = try ChangeCompute.Change(restoreMembers: members)
        return try await self.change(change, request, context, try KnownMembers.ofRestore(members))
    }

    @Sendable
    private func upsize(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        let members = try await context.members(of: request)
        let change = try ChangeCompute.Change(upsizeMembers: members)
        return try await self.change(change, request, context, try KnownMembers.ofUpsize(members))
    }

    private func change(
        _ change: ChangeCompute.Change, _ request: Request, _ context: CloudRequestContext,
        _ members: @autoclosure () throws -> [String: String] = [:], status: HTTPResponse.Status = .accepted,
        warnings: [String] = []
    ) async throws -> Response {
        let id = try context.requireId()
        let endpoint = "\(request.method) \(change.action.path(id))"
        let asked = try context.changeRequest(endpoint, try request.idempotencyKeyIfSent(), try members())
        let verb = ChangeCompute(
            id: id, change: change, request: asked, answer: answer(context, warnings: warnings))
        return Envelope.response(status, try await verb.run(in: cloud))
    }

    /// One compute as the public API shows it, with what it has cost.
    private func shown(_ compute: Compute, _ context: CloudRequestContext) async throws -> Response {
        let costs = try await ReadCosts(resourceIds: [compute.id]).run(in: cloud)
        return try Envelope(context, cloud.clock).response(
            .ok, ComputeWire(compute, costMilliRwf: costs[compute.id]))
    }
}

extension ComputeAction {
    /// The endpoint's path below the base path.
    fileprivate func path(_ id: Int64) -> String {
        switch self {
        case .create: "/computes"
        case .update, .delete: "/computes/\(id)"
        case .start, .stop, .reboot, .upsize, .restore, .cleanUp, .putBack, .keep, .gone:
            "/computes/\(id)/\(rawValue)"
        }
    }
}

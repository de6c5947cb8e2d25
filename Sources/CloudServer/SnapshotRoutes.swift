import CloudControl
import CloudCore
import CloudWire
import Hummingbird
import ServiceLifecycle

/// `/snapshots`, and a compute's.
struct SnapshotRoutes: Sendable {
    let cloud: Cloud
    /// Shared with the requests that wait for computes.
    let waits: Places

    var all: [Route] {
        [
            .api(.post, "/computes/{id}/snapshots", body: Self.body, handle: create),
            .api(.get, "/snapshots", handle: list),
            .api(.get, "/snapshots/{id}", handle: get),
            .api(.patch, "/snapshots/{id}", body: Self.body, handle: update),
            .api(.delete, "/snapshots/{id}", handle: delete),
        ]
    }

    private static let body = RouteBody.json(
        JSONBody(#"{"name": …}"#, shorten: "Send a name and deletionProtection alone."))

    @Sendable
    private func create(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        let members = try await context.members(of: request)
        let asked = try SnapshotRequest(members: members)
        let computeId = try context.requireId()
        let change = try context.changeRequest(
            "POST /computes/\(computeId)/snapshots", try request.idempotencyKeyIfSent(),
            try KnownMembers.ofSnapshot(members))
        let verb = CreateSnapshot(
            computeId: computeId, name: asked.name, deletionProtection: asked.deletionProtection,
            request: change, answer: answer(context))
        return Envelope.response(.accepted, try await verb.run(in: cloud))
    }

    @Sendable
    private func list(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        var query = Query(request)
        let (page, filter) = (query.page(of: .snapshots), query.snapshotFilter())
        try query.check()
        let items = try await ListSnapshots(page: page, filter: filter, caller: try context.requireCaller())
            .run(in: cloud)
        let costs = try await ReadCosts(resourceIds: items.items.map(\.id)).run(in: cloud)
        return try Envelope(context, cloud.clock).list(items, page) {
            SnapshotWire($0, costMilliRwf: costs[$0.id])
        }
    }

    @Sendable
    private func get(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        var query = Query(request)
        let wait = query.snapshotWait()
        try query.check()
        let (id, caller) = (try context.requireId("snapshot"), try context.requireCaller())
        let snapshot =
            if let wait {
                try await waits.held(by: caller) {
                    try await WaitForSnapshot(id: id, wait: wait, caller: caller).run(in: cloud)
                }
            } else {
                try await GetSnapshot(id: id, caller: caller).run(in: cloud)
            }
        let costs = try await ReadCosts(resourceIds: [id]).run(in: cloud)
        return try Envelope(context, cloud.clock).response(
            .ok, SnapshotWire(snapshot, costMilliRwf: costs[id]))
    }

    @Sendable
    private func update(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        let members = try await context.members(of: request)
        let update = try SnapshotUpdate(members: members)
        return try await change(
            .update(update), request, context, try KnownMembers.ofSnapshot(members), status: .ok)
    }

    @Sendable
    private func delete(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        try await change(.delete, request, context)
    }

    private func change(
        _ change: ChangeSnapshot.Change, _ request: Request, _ context: CloudRequestContext,
        _ members: @autoclosure () throws -> [String: String] = [:], status: HTTPResponse.Status = .accepted
    ) async throws -> Response {
        let id = try context.requireId("snapshot")
        let asked = try context.changeRequest(
            "\(request.method) /snapshots/\(id)", try request.idempotencyKeyIfSent(), try members())
        let verb = ChangeSnapshot(id: id, change: change, request: asked, answer: answer(context))
        return Envelope.response(status, try await verb.run(in: cloud))
    }

    /// Answers a change with the snapshot.
    private func answer(_ context: CloudRequestContext) -> Answer<Snapshot> {
        let envelope = Envelope(context, cloud.clock)
        return { try envelope.text(SnapshotWire($0, costMilliRwf: $1)) }
    }
}

extension Places {
    /// Runs a request that waits, in a place. A server that ends answers it at once, with what there is.
    func held<Resource: Sendable>(
        by caller: Caller, _ wait: @escaping @Sendable () async throws -> Resource
    ) async throws -> Resource {
        let place = try take(keyId: caller.keyId, teamId: caller.teamId)
        defer { withExtendedLifetime(place) {} }
        return try await cancelWhenGracefulShutdown { try await wait() }
    }
}

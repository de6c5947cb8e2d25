import CloudControl
import CloudCore
import CloudWire
import HTTPTypes
import Hummingbird

/// What has happened, and what happens: `/audit-logs`, `/computes/{id}/events`, `/events`.
struct EventRoutes: Sendable {
    let cloud: Cloud
    private let places = Places("streams of events", maxStreams)

    /// Streams that can be open: with `Routes.maxWaits` fewer than there can be connections, so that some are left
    /// for requests that do not stay. No team has more than a quarter of them.
    static let maxStreams = Places.Limits(perKey: 8, perTeam: 50, inAll: 200)

    init(cloud: Cloud) { self.cloud = cloud }

    var all: [Route] {
        [
            .api(.get, "/audit-logs", handle: auditLog),
            .api(.get, "/computes/{id}/events", handle: computeEvents),
            .api(.get, "/events", handle: stream),
        ]
    }

    @Sendable
    private func auditLog(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        var query = Query(request)
        let page = query.page(of: .events)
        try query.check()
        let items = try await ListAuditLog(page: page, caller: try context.requireCaller()).run(in: cloud)
        return try Envelope(context, cloud.clock).list(items, page) { EventWire($0) }
    }

    @Sendable
    private func computeEvents(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        var query = Query(request)
        let page = query.page(of: .events)
        try query.check()
        let items = try await ListComputeEvents(
            id: try context.requireId(), page: page, caller: try context.requireCaller()
        ).run(in: cloud)
        return try Envelope(context, cloud.clock).list(items, page) { EventWire($0) }
    }

    @Sendable
    private func stream(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        let after = try Self.after(request)
        let caller = try context.requireCaller()
        let place = try places.take(keyId: caller.keyId, teamId: caller.teamId)
        let follow = FollowEvents(caller: caller)
        let stream = EventStream(
            cloud: cloud, follow: follow,
            start: try await follow.start(after: after, in: cloud))
        return Response(
            status: .ok,
            headers: [.contentType: EventStream.contentType, .cacheControl: "no-store"],
            body: ResponseBody { writer in
                defer { withExtendedLifetime(place) {} }
                try await request.body.consumeWithCancellationOnInboundClose { _ in
                    try await stream.write(to: &writer)
                }
            })
    }

    /// The id of the last event that the client has: what its browser remembers goes before what its address says.
    /// Throws `BAD_REQUEST` for what is no id.
    private static func after(_ request: Request) throws(CloudError) -> Int64? {
        var query = Query(request)
        let parameter = query.one("after")
        let header = request.headers[.lastEventId].flatMap { $0.isEmpty ? nil : $0 }
        for (name, value) in [("Last-Event-ID", header), ("after", parameter)] {
            guard let value, CloudRequestContext.id(value) == nil else { continue }
            query.problems.append(
                Problem(name, "'\(value.shown)' is no id of an event. Send the id of the last one you have."))
        }
        try query.check()
        return (header ?? parameter).flatMap(CloudRequestContext.id)
    }
}

extension EventWire {
    /// An event as the public API shows it.
    init(_ record: EventRecord) {
        let event = record.event
        self.init(
            id: String(record.id), kind: event.kind, at: Timestamp.text(record.atMs),
            actor: ActorWire(event.actor, keyName: record.keyName),
            computeId: record.resourceKind == .compute ? event.resourceId.map(String.init) : nil,
            resource: ResourceWire(record), requestId: event.requestId, detail: event.detail)
    }
}

extension ResourceWire {
    fileprivate init?(_ record: EventRecord) {
        guard let kind = record.resourceKind, let id = record.event.resourceId else { return nil }
        self.init(kind: kind.rawValue, id: String(id))
    }
}

extension ActorWire {
    fileprivate init(_ actor: Event.Actor, keyName: String?) {
        switch actor {
        case .key(let id): self.init(type: "key", keyId: String(id), keyName: keyName)
        case .operator: self.init(type: "operator", keyId: nil, keyName: nil)
        case .system: self.init(type: "system", keyId: nil, keyName: nil)
        }
    }
}

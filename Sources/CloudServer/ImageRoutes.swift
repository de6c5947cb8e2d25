import CloudControl
import CloudCore
import CloudWire
import Hummingbird
import NIOCore

/// `/images`: the catalogue's, and the team's own.
struct ImageRoutes: Sendable {
    let cloud: Cloud
    /// Shared with the requests that wait for computes.
    let waits: Places

    var all: [Route] {
        [
            .api(.post, "/images", body: Self.body, handle: create),
            .api(.get, "/images", access: .key(guests: .all), handle: list),
            .api(.get, "/images/{slug}", access: .key(guests: .all), handle: get),
            .api(.patch, "/images/{slug}", body: Self.body, handle: update),
            .api(.delete, "/images/{slug}", handle: delete),
            .api(.put, "/images/{slug}/content", body: content, handle: send),
        ]
    }

    private static let body = RouteBody.json(
        JSONBody(#"{"slug": …}"#, shorten: "Send the members of the document alone."))

    private var content: RouteBody {
        .upload(UploadBody(["application/octet-stream"], maxBytes: cloud.settings.maxImageBytes))
    }

    @Sendable
    private func create(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        let key = try request.idempotencyKeyIfSent()
        let members = try await context.members(of: request)
        let asked = try ImageRequest(members: members)
        let change = try context.changeRequest(CreateImage.endpoint, key, try KnownMembers.ofImage(members))
        let verb = CreateImage(asked, request: change, answer: answer(context))
        return Envelope.response(.accepted, try await verb.run(in: cloud))
    }

    @Sendable
    private func list(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        var query = Query(request)
        let scope = query.imageScope()
        try query.check()
        let images = try await ListImages(scope: scope, teamId: context.caller?.teamId).run(in: cloud)
        let costs = try await costs(of: images)
        return try Envelope(context, cloud.clock).response(
            .ok, images.map { AnyImageWire($0, costs: costs) })
    }

    @Sendable
    private func get(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        var query = Query(request)
        let wait = query.imageWait()
        try query.check()
        let slug = context.parameter
        let image =
            if let wait, let caller = context.caller {
                try await waits.held(by: caller) {
                    try await WaitForImage(slug: slug, wait: wait, caller: caller).run(in: cloud)
                }
            } else {
                try await GetImage(slug: slug, teamId: context.caller?.teamId).run(in: cloud)
            }
        let costs = try await costs(of: [image])
        return try Envelope(context, cloud.clock).response(.ok, AnyImageWire(image, costs: costs))
    }

    @Sendable
    private func update(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        let members = try await context.members(of: request)
        let update = try ImageUpdate(members: members)
        return try await change(
            .update(update), request, context, try KnownMembers.ofSnapshot(members), status: .ok)
    }

    @Sendable
    private func delete(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        try await change(.delete, request, context)
    }

    private func change(
        _ change: ChangeImage.Change, _ request: Request, _ context: CloudRequestContext,
        _ members: @autoclosure () throws -> [String: String] = [:], status: HTTPResponse.Status = .accepted
    ) async throws -> Response {
        let slug = context.parameter
        let asked = try context.changeRequest(
            "\(request.method) /images/\(slug.shown)", try request.idempotencyKeyIfSent(), try members())
        let verb = ChangeImage(slug: slug, change: change, request: asked, answer: answer(context))
        return Envelope.response(status, try await verb.run(in: cloud))
    }

    @Sendable
    private func send(_ request: Request, _ context: CloudRequestContext) async throws -> Response {
        var query = Query(request)
        let offset = query.offset()
        try query.check()
        let body = BodyReader(request.body)
        let verb = SendImageContent(
            slug: context.parameter, offset: offset, caller: try context.requireCaller(),
            bytes: ByteStream { try await body.next() })
        let image = try await verb.run(in: cloud)
        let costs = try await costs(of: [.ofTeam(image)])
        return try Envelope(context, cloud.clock).response(
            .ok, TeamImageWire(image, costMilliRwf: costs[image.id]))
    }

    private func costs(of images: [ShownImage]) async throws -> [Int64: Int64] {
        let ids: [Int64] = images.compactMap {
            guard case .ofTeam(let image) = $0 else { return nil }
            return image.id
        }
        return ids.isEmpty ? [:] : try await ReadCosts(resourceIds: ids).run(in: cloud)
    }

    /// Answers a change with the image.
    private func answer(_ context: CloudRequestContext) -> Answer<TeamImage> {
        let envelope = Envelope(context, cloud.clock)
        return { try envelope.text(TeamImageWire($0, costMilliRwf: $1)) }
    }
}

/// Hands a body on in chunks of bounded size, one at a time.
private actor BodyReader {
    /// Bytes.
    static let maxChunk = 1 << 20

    private var parts: RequestBody.AsyncIterator
    private var rest = ByteBuffer()

    init(_ body: RequestBody) { parts = body.makeAsyncIterator() }

    /// The next bytes; `nil` at the end. Throws where the body breaks off or is too large.
    func next() async throws -> [UInt8]? {
        while rest.readableBytes == 0 {
            var parts = parts
            let part = try await parts.next(isolation: self)
            self.parts = parts
            guard let part else { return nil }
            rest = part
        }
        return rest.readBytes(length: min(rest.readableBytes, Self.maxChunk))
    }
}

extension Query {
    mutating func imageScope() -> ImageScope? {
        guard let text = one("scope") else { return nil }
        let scope = ImageScope(rawValue: text)
        if scope == nil { problems.append(Problem("scope", ImageScope.unknown(text))) }
        return scope
    }

    mutating func imageWait() -> ImageWait? {
        ImageWait(wait: one("wait"), timeout: one("timeout"), &problems)
    }

    /// Where a part of a file begins; 0 where nothing is said.
    mutating func offset() -> Int64 {
        guard let text = one("offset") else { return 0 }
        if let offset = CloudRequestContext.id(text) { return offset }
        problems.append(Problem("offset", "'\(text.shown)' is not a decimal number of at most 18 digits."))
        return 0
    }
}

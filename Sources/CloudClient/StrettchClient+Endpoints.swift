import CloudWire
import Foundation
import NIOHTTP1

/// The endpoints, one method each.
extension StrettchClient {
    /// Creates a compute. A repetition with the same key, from here or elsewhere, answers for the same compute.
    public func createCompute(
        _ compute: CreateComputeWire, idempotencyKey: UUID
    ) async throws -> EnvelopeWire<ComputeWire> {
        try await call(
            Call(
                .POST, "/computes", body: try Self.body(compute),
                idempotencyKey: idempotencyKey))
    }

    /// Checks and prices a create, and makes nothing. Throws what the create would throw.
    public func quoteCompute(_ compute: CreateComputeWire) async throws -> EnvelopeWire<ComputeQuoteWire> {
        try await call(
            Call(
                .POST, "/computes?dryRun=true", body: try Self.body(compute),
                idempotencyKey: UUID()))
    }

    public func compute(id: String) async throws -> EnvelopeWire<ComputeWire> {
        try await call(Call(.GET, "/computes/\(Self.pathPart(id))"))
    }

    /// The compute as soon as it is in one of the states, or can't come to any of them, or the time is up. A server that
    /// knows nothing of waiting answers at once.
    /// - Parameter seconds: 1 to 60, and less than an attempt may take.
    public func compute(id: String, waitingFor states: [String], seconds: Int64) async throws -> EnvelopeWire<
        ComputeWire
    > {
        let wait = Self.queryPart(states.joined(separator: ","))
        return try await call(
            Call(.GET, "/computes/\(Self.pathPart(id))?wait=\(wait)&timeout=\(seconds)"))
    }

    public func deleteCompute(id: String) async throws -> EnvelopeWire<ComputeWire> {
        try await change(.DELETE, id)
    }

    public func startCompute(id: String) async throws -> EnvelopeWire<ComputeWire> {
        try await change(.POST, id, "/start")
    }

    public func stopCompute(id: String) async throws -> EnvelopeWire<ComputeWire> {
        try await change(.POST, id, "/stop")
    }

    public func rebootCompute(id: String) async throws -> EnvelopeWire<ComputeWire> {
        try await change(.POST, id, "/reboot")
    }

    public func upsizeCompute(id: String, _ upsize: UpsizeComputeWire) async throws -> EnvelopeWire<
        ComputeWire
    > {
        try await change(.PATCH, id, "/upsize", try Self.body(upsize))
    }

    /// Puts the content of a snapshot in place of what is on the compute's disk.
    public func restoreCompute(id: String, _ restore: RestoreComputeWire) async throws -> EnvelopeWire<
        ComputeWire
    > {
        try await change(.POST, id, "/restore", try Self.body(restore))
    }

    public func updateCompute(id: String, _ update: UpdateComputeWire) async throws -> EnvelopeWire<
        ComputeWire
    > {
        try await change(.PATCH, id, "", try Self.body(update))
    }

    /// Changes a compute. Each call has a key of its own, so that an attempt that is repeated after a lost answer does
    /// nothing twice.
    private func change(
        _ method: HTTPMethod, _ id: String, _ path: String = "", _ body: [UInt8]? = nil
    ) async throws -> EnvelopeWire<ComputeWire> {
        try await call(
            Call(
                method, "/computes/\(Self.pathPart(id))\(path)", body: body,
                idempotencyKey: UUID()))
    }

    static func body(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        return Array(try encoder.encode(value))
    }

    /// One page of those of the team's computes that pass the filter, at most 100 of them: by its number, which counts
    /// from 1, or where `cursor` says.
    public func computes(
        page: Int = 1, limit: Int = 20, filter: ListFilter = ListFilter(), cursor: String? = nil
    ) async throws -> EnvelopeWire<[ComputeWire]> {
        let place = cursor == nil ? "page=\(page)&limit=\(limit)" : "limit=\(limit)"
        return try await call(Call(.GET, "/computes?\(place)\(Self.cursorPart(cursor))\(filter.query)"))
    }

    /// Those of the team's computes that pass the filter on all pages, or the first `limit` of them. Goes by cursors
    /// where the server has them.
    public func allComputes(
        limit: Int = .max, filter: ListFilter = ListFilter()
    ) async throws -> [ComputeWire] {
        try await all(limit: limit) { page, size, cursor in
            try await computes(page: page, limit: size, filter: filter, cursor: cursor)
        }
    }

    /// The items of all pages, or the first `limit` of them. Goes by cursors where the server has them.
    func all<Item>(
        limit: Int,
        _ page: (_ number: Int, _ size: Int, _ cursor: String?) async throws -> EnvelopeWire<[Item]>
    ) async throws -> [Item] {
        var all: [Item] = []
        var cursor: String?
        let pageSize = max(1, min(limit, Self.pageSize))
        for number in 1...Self.maxPages {
            let envelope = try await page(number, pageSize, cursor)
            all += envelope.data
            cursor = envelope.meta?.nextCursor
            let isLast =
                cursor == nil
                && (envelope.data.count < pageSize || all.count >= envelope.meta?.total ?? all.count)
            if isLast || all.count >= limit { break }
        }
        return Array(all.prefix(limit))
    }

    /// One page of the sizes that a compute can have.
    public func specifications(page: Int = 1, limit: Int = 100) async throws -> EnvelopeWire<
        [SpecificationWire]
    > {
        try await call(Call(.GET, "/computes/specifications?page=\(page)&limit=\(limit)"))
    }

    /// All the sizes that a compute can have.
    public func allSpecifications() async throws -> [SpecificationWire] {
        try await all(limit: .max) { page, size, _ in try await specifications(page: page, limit: size) }
    }

    public func regions() async throws -> EnvelopeWire<[RegionWire]> {
        try await call(Call(.GET, "/regions"))
    }

    /// Asks once, without retries. Throws `ClientError` with status 503 and the failing dependencies as `problems`.
    public func health() async throws -> EnvelopeWire<HealthWire> {
        try await call(Call(.GET, "/health", retry: .never))
    }

    /// The bytes of the server's OpenAPI document.
    public func document() async throws -> [UInt8] { try await send(Call(.GET, "/openapi.json")).body }

    /// The largest page that the API gives.
    static let pageSize = 100
    /// Bounds a listing: a million items.
    static let maxPages = 10_000

    /// The text as one part of a path, whatever is in it.
    static func pathPart(_ text: String) -> String {
        var allowed = CharacterSet.alphanumerics
        allowed.insert(charactersIn: "-_.")
        return text.addingPercentEncoding(withAllowedCharacters: allowed) ?? ""
    }

    static func cursorPart(_ cursor: String?) -> String { cursor.map { "&cursor=\(queryPart($0))" } ?? "" }

    /// The text as one value in a query, whatever is in it.
    static func queryPart(_ text: String) -> String { pathPart(text) }
}

/// Which computes to list; what is `nil` or empty lets all through.
public struct ListFilter: Sendable, Equatable {
    public var state: String?
    /// All of them must be there.
    public var tags: [String]
    public var region: String?
    public var hostName: String?

    public init(
        state: String? = nil, tags: [String] = [], region: String? = nil, hostName: String? = nil
    ) {
        self.state = state
        self.tags = tags
        self.region = region
        self.hostName = hostName
    }

    /// To be put behind other parameters.
    var query: String {
        let pairs =
            [("state", state), ("region", region), ("hostName", hostName)] + tags.map { ("tag", $0) }
        return pairs.map { name, value in
            value.map { "&\(name)=\(StrettchClient.queryPart($0))" } ?? ""
        }.joined()
    }
}

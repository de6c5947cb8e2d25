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
                idempotencyKey: idempotencyKey.uuidString.lowercased()))
    }

    public func compute(id: String) async throws -> EnvelopeWire<ComputeWire> {
        try await call(Call(.GET, "/computes/\(Self.pathPart(id))"))
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
                idempotencyKey: UUID().uuidString.lowercased()))
    }

    private static func body(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        return Array(try encoder.encode(value))
    }

    /// One page of the team's computes. Pages count from 1 and have at most 100.
    public func computes(page: Int = 1, limit: Int = 20) async throws -> EnvelopeWire<[ComputeWire]> {
        try await call(Call(.GET, "/computes?page=\(page)&limit=\(limit)"))
    }

    /// The team's computes on all pages, or the first `limit` of them.
    public func allComputes(limit: Int = .max) async throws -> [ComputeWire] {
        var all: [ComputeWire] = []
        let pageSize = max(1, min(limit, Self.pageSize))
        for page in 1...Self.maxPages {
            let envelope = try await computes(page: page, limit: pageSize)
            all += envelope.data
            let total = envelope.meta?.total ?? all.count
            if envelope.data.count < pageSize || all.count >= min(total, limit) { break }
        }
        return Array(all.prefix(limit))
    }

    /// One page of the sizes that a compute can have.
    public func specifications(page: Int = 1, limit: Int = 100) async throws -> EnvelopeWire<
        [SpecificationWire]
    > {
        try await call(Call(.GET, "/computes/specifications?page=\(page)&limit=\(limit)"))
    }

    public func images() async throws -> EnvelopeWire<[ImageWire]> { try await call(Call(.GET, "/images")) }

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
    /// Bounds a listing: a million computes.
    static let maxPages = 10_000

    /// The text as one part of a path, whatever is in it.
    private static func pathPart(_ text: String) -> String {
        var allowed = CharacterSet.alphanumerics
        allowed.insert(charactersIn: "-_.")
        return text.addingPercentEncoding(withAllowedCharacters: allowed) ?? ""
    }
}

import CloudWire
import Foundation
import NIOHTTP1

/// Snapshots of computes' disks.
extension StrettchClient {
    /// Takes a snapshot of the compute's disk. A repetition with the same key answers for the same snapshot.
    public func createSnapshot(
        computeId: String, _ snapshot: CreateSnapshotWire, idempotencyKey: UUID
    ) async throws -> EnvelopeWire<SnapshotWire> {
        try await call(
            Call(
                .POST, "/computes/\(Self.pathPart(computeId))/snapshots", body: try Self.body(snapshot),
                idempotencyKey: idempotencyKey))
    }

    public func snapshot(id: String) async throws -> EnvelopeWire<SnapshotWire> {
        try await call(Call(.GET, "/snapshots/\(Self.pathPart(id))"))
    }

    /// The snapshot as soon as it is in one of the states, or can't come to any of them, or the time is up.
    /// - Parameter seconds: 1 to 60, and less than an attempt may take.
    public func snapshot(
        id: String, waitingFor states: [String], seconds: Int64
    ) async throws -> EnvelopeWire<SnapshotWire> {
        let wait = Self.queryPart(states.joined(separator: ","))
        return try await call(
            Call(.GET, "/snapshots/\(Self.pathPart(id))?wait=\(wait)&timeout=\(seconds)"))
    }

    public func updateSnapshot(
        id: String, _ update: UpdateSnapshotWire
    ) async throws -> EnvelopeWire<SnapshotWire> {
        try await call(
            Call(
                .PATCH, "/snapshots/\(Self.pathPart(id))", body: try Self.body(update),
                idempotencyKey: UUID()))
    }

    public func deleteSnapshot(id: String) async throws -> EnvelopeWire<SnapshotWire> {
        try await call(Call(.DELETE, "/snapshots/\(Self.pathPart(id))", idempotencyKey: UUID()))
    }

    /// One page of those of the team's snapshots that pass the filter, at most 100 of them: by its number, which counts
    /// from 1, or where `cursor` says.
    public func snapshots(
        page: Int = 1, limit: Int = 20, filter: SnapshotListFilter = SnapshotListFilter(),
        cursor: String? = nil
    ) async throws -> EnvelopeWire<[SnapshotWire]> {
        let place = cursor == nil ? "page=\(page)&limit=\(limit)" : "limit=\(limit)"
        return try await call(Call(.GET, "/snapshots?\(place)\(Self.cursorPart(cursor))\(filter.query)"))
    }

    /// Those of the team's snapshots that pass the filter on all pages, or the first `limit` of them.
    public func allSnapshots(
        limit: Int = .max, filter: SnapshotListFilter = SnapshotListFilter()
    ) async throws -> [SnapshotWire] {
        try await all(limit: limit) { page, size, cursor in
            try await snapshots(page: page, limit: size, filter: filter, cursor: cursor)
        }
    }
}

/// Which snapshots to list; what is `nil` lets all through.
public struct SnapshotListFilter: Sendable, Equatable {
    public var computeId: String?
    /// Deleted ones are listed only when DELETED is asked for.
    public var state: String?

    public init(computeId: String? = nil, state: String? = nil) {
        self.computeId = computeId
        self.state = state
    }

    /// To be put behind other parameters.
    var query: String {
        [("computeId", computeId), ("state", state)].map { name, value in
            value.map { "&\(name)=\(StrettchClient.queryPart($0))" } ?? ""
        }.joined()
    }
}

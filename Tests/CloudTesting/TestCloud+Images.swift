import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
import CloudVerbs
import Synchronization

extension TestCloud {
    /// Begins an image of team 1's own, on the host of what it is made of, or on this one. Returns its id.
    public func beginImage(
        _ slug: String = "golden", of origin: ImageOrigin, on hostId: Int64? = nil, protected: Bool = false
    ) async throws -> Int64 {
        let now = clock.nowMs
        return try await cloud.database.write(.createImage) { sql in
            let source: Int64? =
                switch origin {
                case .snapshot(let id): try sql.snapshots.get(id)?.hostId
                case .compute(let id): try sql.computes.get(id)?.hostId
                case .upload, .url: nil
                }
            let new = NewTeamImage(
                teamId: 1, hostId: hostId ?? source ?? 1, slug: slug, name: slug, origin: origin,
                deletionProtection: protected)
            return try sql.imageVerbs.begin(new, by: .key(1), requestId: "r", nowMs: now)
        }
    }

    /// Makes an image of a new snapshot of the compute, and lets it come to its end. Returns its id.
    public func readyImage(_ slug: String = "golden", of computeId: String) async throws -> Int64 {
        let snapshot = try await readySnapshot(of: computeId)
        let id = try await beginImage(slug, of: .snapshot(id: snapshot))
        try await settle()
        return id
    }

    /// Sends bytes of an image's file, as many as said, to its host, and records that they came.
    public func upload(_ id: Int64, from offset: Int64, count: Int) async throws {
        guard let image = try await image(id), case .upload(_, let size) = image.origin else { return }
        let bytes = ByteStream.of([[UInt8](repeating: 7, count: count)])
        let received = try await host.receive(image.onHost, size: size, from: offset, bytes)
        let now = clock.nowMs
        try await cloud.database.write(.receiveImage) { sql in
            guard let image = try sql.images.get(id) else { return }
            try sql.imageVerbs.receive(image, received: received, nowMs: now)
        }
    }

    public func deleteImage(_ id: Int64) async throws {
        let now = clock.nowMs
        try await cloud.database.write(.changeImage) { sql in
            guard let image = try sql.images.get(id) else { return }
            try sql.imageVerbs.delete(image, by: .key(1), nowMs: now)
        }
    }

    /// The image's row, whatever its state.
    public func image(_ id: Int64) async throws -> TeamImage? {
        try await cloud.database.read { sql in try sql.images.get(id) }
    }

    /// Computes and snapshots that lie over it, by their ids.
    public func users(ofImage id: Int64) async throws -> [Int64] {
        try await cloud.database.read { sql in try sql.images.users(id, limit: 10).map(\.id) }
    }
}

extension ByteStream {
    /// The chunks, one after the other.
    public static func of(_ chunks: [[UInt8]]) -> ByteStream {
        let rest = Rest(chunks)
        return ByteStream { rest.next() }
    }

    /// What is left to be read of a stream.
    private final class Rest: Sendable {
        private let chunks: Mutex<ArraySlice<[UInt8]>>

        init(_ chunks: [[UInt8]]) { self.chunks = Mutex(chunks[...]) }

        func next() -> [UInt8]? { chunks.withLock { $0.popFirst() } }
    }
}

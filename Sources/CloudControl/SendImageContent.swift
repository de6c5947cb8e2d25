import CloudCore
import CloudDatabase
import CloudVerbs
import Synchronization

/// `PUT /images/{slug}/content`: hands a part of an image's file on to the host that keeps it.
public struct SendImageContent: Sendable {
    public var slug: String
    /// The first of the file's bytes that is in the body.
    public var offset: Int64
    public var caller: Caller
    /// The body. Never kept: a chunk is asked for once the host has taken the one before.
    public var bytes: ByteStream

    /// Bytes that are handed on between two looks at whether they are still wanted, at which what has come is written down.
    static let lookBytes: Int64 = 64 << 20
    /// The same in time.
    static let lookMs: Int64 = 5000

    public init(slug: String, offset: Int64, caller: Caller, bytes: ByteStream) {
        self.slug = slug
        self.offset = offset
        self.caller = caller
        self.bytes = bytes
    }

    /// The image with what its host has of the file now. A body that breaks off leaves what has come of it, and is sent again
    /// from `received` on. Throws `FORBIDDEN`, `UNAUTHORIZED` once the key is revoked, `RESOURCE_NOT_FOUND`, `CONFLICT` unless
    /// the image is UPLOADING, when the offset is beyond what the host has, and when another request sends bytes of it,
    /// `PAYLOAD_TOO_LARGE`, and `SERVICE_UNAVAILABLE` when its host is not to be had or its disk is full.
    public func run(in cloud: Cloud) async throws -> TeamImage {
        try caller.require(.changeComputes)
        let (image, size) = try await cloud.database.glance { sql in
            try caller.require(.changeComputes, now: sql)
            return try wanted(GetImage.find(slug, teamId: caller.teamId, sql, cloud))
        }
        guard offset <= size else {
            throw CloudError(
                .conflict,
                "The offset \(offset) is beyond the file's \(size) bytes. Go on at \(image.received).",
                problems: [Problem("offset", "is beyond the file.")])
        }
        let desk = try await cloud.hostLinks.desk(of: image.hostId)
        let watch = Watch(nowMs: cloud.clock.nowMs)
        let received: Int64
        do {
            received = try await desk.receive(
                image.onHost, size: size, from: offset, watched(image, size: size, watch, in: cloud))
        } catch {
            // Where that fails too, an earlier number stands, and the client sends more again than it had to.
            _ = try? await save(offset + watch.kept, of: image, in: cloud)
            throw error
        }
        return try await save(received, of: image, in: cloud)
    }

    /// The body, which ends with an error once it is not wanted any more.
    private func watched(
        _ image: TeamImage, size: Int64, _ watch: Watch, in cloud: Cloud
    ) -> ByteStream {
        ByteStream {
            // Whoever asks for the next chunk has taken the last.
            if let kept = watch.next(nowMs: cloud.clock.nowMs), offset + kept < size {
                _ = try await save(offset + kept, of: image, in: cloud)
            }
            let chunk = try await bytes.next()
            watch.hand(on: chunk?.count ?? 0)
            return chunk
        }
    }

    /// How much was handed on, and when it was last looked whether it is wanted.
    private final class Watch: Sendable {
        private struct State {
            var handed: Int64 = 0
            /// Of these bytes, those that were taken.
            var kept: Int64 = 0
            var lookedAt: Int64 = 0
            var lookedAtMs: Int64
        }

        private let state: Mutex<State>

        init(nowMs: Int64) { state = Mutex(State(lookedAtMs: nowMs)) }

        var kept: Int64 { state.withLock { $0.kept } }

        func hand(on count: Int) { state.withLock { $0.handed += Int64(count) } }

        /// All that was handed on is taken. Returns how much that is where it is time for a look; `nil`: it is not.
        func next(nowMs: Int64) -> Int64? {
            state.withLock { state in
                state.kept = state.handed
                let isDue = state.kept - state.lookedAt >= lookBytes || nowMs - state.lookedAtMs >= lookMs
                guard isDue, state.kept > state.lookedAt else { return nil }
                (state.lookedAt, state.lookedAtMs) = (state.kept, nowMs)
                return state.kept
            }
        }
    }

    /// Writes down what the host has, and wakes its worker once that is all. Throws what `run` throws.
    private func save(_ received: Int64, of image: TeamImage, in cloud: Cloud) async throws -> TeamImage {
        let now = cloud.clock.nowMs
        let saved = try await cloud.database.write(.receiveImage) { sql in
            try caller.require(.changeComputes, now: sql)
            guard let present = try sql.images.get(image.id) else { throw GetImage.notFound(slug) }
            _ = try wanted(present)
            try sql.imageVerbs.receive(present, received: received, nowMs: now)
            return try sql.images.get(image.id) ?? present
        }
        cloud.wake()
        return saved
    }

    /// The image with the size of its file. Throws `CONFLICT` unless its host waits for bytes.
    private func wanted(_ image: TeamImage) throws -> (TeamImage, Int64) {
        if image.state == .deleted { throw GetImage.notFound(slug) }
        guard case .upload(_, let size) = image.origin, image.state == .uploading else {
            throw CloudError(
                .conflict,
                "Image \(slug) is \(image.state.rawValue), and takes no bytes. Only one that is UPLOADING does.",
                problems: [Problem("slug", "is \(image.state.rawValue).")])
        }
        return (image, size)
    }
}

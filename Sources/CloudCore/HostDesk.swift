/// What a host answers at once, without a row: streams, and questions that are not worth one. An API server asks it for a
/// caller, and another host asks it for an image.
public protocol HostDesk: Sendable {
    /// Writes bytes of an image's file that a client sends, from `offset` on, and returns how many of the file's bytes are on
    /// the host then. What was there from `offset` on is overwritten, so a part may be sent twice. Bytes that have come before
    /// the stream failed are kept. Throws `CONFLICT` when `offset` is beyond what is there, saying how much that is, and when
    /// another request sends bytes of the same image; `PAYLOAD_TOO_LARGE` beyond `size`; `SERVICE_UNAVAILABLE` when the host's
    /// disk would have too little left.
    func receive(
        _ image: ImageOnHost, size: Int64, from offset: Int64, _ bytes: ByteStream
    ) async throws -> Int64

    /// Bytes of a file of an image that is READY here, from `offset` on. The name is one of those in its manifest, or the
    /// manifest's own. Throws `RESOURCE_NOT_FOUND`.
    func file(_ name: String, of image: ImageOnHost, from offset: Int64) async throws -> ByteStream
}

/// The way to a host.
public protocol HostLinks: Sendable {
    /// The desk of a host: of this program's own, by a call; of another's, by a connection. Throws `SERVICE_UNAVAILABLE` with
    /// the reason and the remedy when there is no way.
    func desk(of hostId: Int64) async throws -> any HostDesk
}

/// An image of a team's own, as its host knows it.
public struct ImageOnHost: Sendable, Equatable {
    public var id: Int64
    /// When it was created: tells it from another that had the same id before a restore of the database. 0: nobody knows, and
    /// any is meant.
    public var createdAtMs: Int64

    public init(id: Int64, createdAtMs: Int64) {
        self.id = id
        self.createdAtMs = createdAtMs
    }
}

/// Bytes that come one chunk after another, each asked for by whoever can take it: nothing piles up.
public struct ByteStream: Sendable {
    /// The next chunk, at most 1 MiB; `nil` at the end. Never called by two at a time. Throws what ends the stream early.
    public var next: @Sendable () async throws -> [UInt8]?

    public init(next: @escaping @Sendable () async throws -> [UInt8]?) { self.next = next }
}

import CloudCore
import Crypto
import Synchronization

/// A desk that keeps no file: it counts and hashes what it is sent, and makes up what it is asked for.
final class FakeDesk: HostDesk {
    /// What it was asked, in order.
    struct State {
        var asked: [String] = []
        var received: Int64 = 0
        var hash = SHA256()
        var failure: String?
    }

    let state = Mutex(State())
    /// Called before each chunk that is taken.
    let beforeTake: @Sendable () async throws -> Void
    /// What `file` answers.
    let content: @Sendable (Int64) async throws -> ByteStream

    init(
        beforeTake: @escaping @Sendable () async throws -> Void = {},
        content: @escaping @Sendable (Int64) async throws -> ByteStream = { _ in ByteStream { nil } }
    ) {
        self.beforeTake = beforeTake
        self.content = content
    }

    var asked: [String] { state.withLock { $0.asked } }
    var received: Int64 { state.withLock { $0.received } }
    /// Of all bytes that it was sent.
    var digest: SHA256.Digest { state.withLock { $0.hash.finalize() } }
    /// What ended the last upload early.
    var failure: String? { state.withLock { $0.failure } }

    func receive(
        _ image: ImageOnHost, size: Int64, from offset: Int64, _ bytes: ByteStream
    ) async throws -> Int64 {
        state.withLock { $0.asked.append("receive \(image.id) \(image.createdAtMs) \(size) \(offset)") }
        do {
            try await beforeTake()
            while let chunk = try await bytes.next() {
                state.withLock { state in
                    state.received += Int64(chunk.count)
                    state.hash.update(data: chunk)
                }
                try await beforeTake()
            }
        } catch {
            state.withLock { $0.failure = "\(error)" }
            throw error
        }
        return offset + received
    }

    func file(_ name: String, of image: ImageOnHost, from offset: Int64) async throws -> ByteStream {
        state.withLock { $0.asked.append("file \(name) \(image.id) \(image.createdAtMs) \(offset)") }
        return try await content(offset)
    }
}

/// Bytes that are made as they are asked for, and how many that were.
final class Pattern: Sendable {
    private struct State {
        var made: Int64 = 0
        var hash = SHA256()
    }

    private let state = Mutex(State())
    private let count: Int64
    private let chunk: Int

    /// - Parameter count: of all bytes.
    init(_ count: Int64, chunk: Int = 1 << 20) {
        self.count = count
        self.chunk = chunk
    }

    /// Bytes that somebody has asked for.
    var made: Int64 { state.withLock { $0.made } }
    var digest: SHA256.Digest { state.withLock { $0.hash.finalize() } }

    var bytes: ByteStream { ByteStream { self.next() } }

    /// Two chunks beside each other are never the same.
    func next() -> [UInt8]? {
        state.withLock { state in
            guard state.made < count else { return nil }
            let length = Int(min(Int64(chunk), count - state.made))
            let bytes = Array(repeating: UInt8(truncatingIfNeeded: state.made >> 20), count: length)
            state.made += Int64(length)
            state.hash.update(data: bytes)
            return bytes
        }
    }
}

import CloudCore
import CloudServer
import CloudTesting
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// A connection of HTTP/2 whose client says what a good one would not. It reads all that comes, and lets nothing of an answer
/// be sent but its head: the window is 0 bytes.
final class RawHTTP2: Sendable {
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private let state = Mutex((bytes: ByteBuffer(), frames: [Frame](), isClosed: false))

    /// A frame (RFC 9113, section 4.1).
    struct Frame: Sendable, Equatable {
        var kind: UInt8
        var flags: UInt8
        var stream: UInt32
        var body: [UInt8]

        static let (data, headers, reset, settings, ping, goAway) =
            (UInt8(0), UInt8(1), UInt8(3), UInt8(4), UInt8(6), UInt8(7))
    }

    private init(outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>) { self.outbound = outbound }

    static func with(
        _ cloud: ListeningCloud, _ body: @escaping @Sendable (RawHTTP2) async throws -> Void
    ) async throws {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.applicationProtocols = ["h2"]
        let context = try NIOSSLContext(configuration: configuration)
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: cloud.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        try NIOSSLClientHandler(context: context, serverHostname: nil))
                    return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        try await channel.executeThenClose { inbound, outbound in
            let connection = RawHTTP2(outbound: outbound)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await connection.receive(inbound) }
                defer { group.cancelAll() }
                let preface = ByteBuffer(string: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
                try await outbound.write(preface)
                // SETTINGS_INITIAL_WINDOW_SIZE (4) is 0.
                try await connection.send(
                    Frame(kind: Frame.settings, flags: 0, stream: 0, body: [0, 4, 0, 0, 0, 0]))
                try await body(connection)
            }
        }
    }

    var isClosed: Bool { state.withLock { $0.isClosed } }
    var frames: [Frame] { state.withLock { $0.frames } }

    /// The streams that the server has reset.
    var reset: Set<UInt32> { Set(frames.filter { $0.kind == Frame.reset }.map(\.stream)) }

    func send(_ frame: Frame) async throws {
        var buffer = ByteBuffer()
        buffer.writeInteger(UInt32(frame.body.count) << 8 | UInt32(frame.kind))
        buffer.writeInteger(frame.flags)
        buffer.writeInteger(frame.stream)
        buffer.writeBytes(frame.body)
        try await outbound.write(buffer)
    }

    /// Sends a GET, whole, without an authority where that is `nil`.
    func get(_ path: String, stream: UInt32, authority: String? = "a", more: [(String, String)] = [])
        async throws
    {
        // Of the static table (RFC 7541, appendix A): 2 is GET, 7 https.
        var block: [UInt8] = [0x82, 0x87]
        let fields = (authority.map { [(":authority", $0)] } ?? []) + [(":path", path)] + more
        for (name, value) in fields {
            // A literal without indexing.
            block +=
                [0, UInt8(name.utf8.count)] + Array(name.utf8) + [UInt8(value.utf8.count)] + Array(value.utf8)
        }
        // END_STREAM and END_HEADERS.
        try await send(Frame(kind: Frame.headers, flags: 5, stream: stream, body: block))
    }

    /// Whether the stream has a head, is reset, or has ended with its connection.
    func hasAnswer(_ stream: UInt32) -> Bool {
        isClosed || reset.contains(stream)
            || frames.contains { $0.kind == Frame.headers && $0.stream == stream }
    }

    /// Waits until the head of the stream's answer is there.
    func head(of stream: UInt32) async throws -> Frame {
        try await eventually("stream \(stream) has a head") {
            self.frames.contains { $0.kind == Frame.headers && $0.stream == stream }
        }
        let found = frames.first { $0.kind == Frame.headers && $0.stream == stream }
        guard let found else { throw NeverTrue(what: "there is a head") }
        return found
    }

    private func receive(_ inbound: NIOAsyncChannelInboundStream<ByteBuffer>) async {
        do {
            for try await bytes in inbound { state.withLock { Self.take(bytes, &$0.bytes, &$0.frames) } }
        } catch {
            state.withLock { $0.bytes.clear() }  // a reset ends the connection as well
        }
        state.withLock { $0.isClosed = true }
    }

    private static func take(_ new: ByteBuffer, _ bytes: inout ByteBuffer, _ frames: inout [Frame]) {
        bytes.writeImmutableBuffer(new)
        while let head = bytes.getInteger(at: bytes.readerIndex, as: UInt32.self) {
            let length = Int(head >> 8)
            guard bytes.readableBytes >= 9 + length else { return }
            bytes.moveReaderIndex(forwardBy: 4)
            guard let flags = bytes.readInteger(as: UInt8.self),
                let stream = bytes.readInteger(as: UInt32.self),
                let body = bytes.readBytes(length: length)
            else { return }
            frames.append(Frame(kind: UInt8(head & 0xFF), flags: flags, stream: stream, body: body))
        }
    }
}

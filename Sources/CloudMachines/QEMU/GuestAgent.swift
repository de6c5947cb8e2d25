import CloudCore
import NIOCore
import NIOPosix
import QMP

/// What is asked of the agent within a guest (QEMU's `qemu-ga`), over the socket of its port. The guest may answer anything, at any
/// time, or nothing at all: each question has one limit of time and one of size, and no answer is more than a hint about the
/// guest itself.
struct GuestAgent {
    var socket: String

    /// From the first byte of a question to the last of its answer, with the connect.
    static let limit = Duration.seconds(5)
    /// The most that is read of an agent for one question, in bytes. Its answers have some hundred.
    private static let readLimit = 64 << 10
    /// Comes before the answer to `guest-sync-delimited`, and in no other (qemu-ga's protocol).
    private static let sentinel: UInt8 = 0xFF

    /// Has the guest's file systems written out, and no write begun from then on. Throws when that is not so within the
    /// limit; it may become so later.
    func freeze() async throws {
        let count = try await ask("guest-fsfreeze-freeze").integer ?? 0
        guard count > 0 else { throw Self.failure("it holds no file system still") }
    }

    /// Lets the guest write again. Nothing to let go is success.
    func thaw() async throws { _ = try await ask("guest-fsfreeze-thaw") }

    private func ask(_ command: String) async throws -> QMPValue {
        let socket = socket
        return try await withTimeout(
            Self.limit, late: Self.failure("it did not answer \(command) within \(Self.limit)")
        ) {
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(unixDomainSocketPath: socket) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                    }
                }
            return try await channel.executeThenClose { inbound, outbound in
                var answers = Answers(bytes: inbound.makeAsyncIterator())
                let number = Int64.random(in: 1...Int64(Int32.max))
                try await outbound.write(
                    try Self.line("guest-sync-delimited", ["id": .integer(number)], after: [Self.sentinel]))
                // What the agent still had to say to somebody else comes before.
                try await answers.skip(to: Self.sentinel)
                guard try await answers.next() == .integer(number) else {
                    throw Self.failure("it does not keep to its protocol")
                }
                try await outbound.write(try Self.line(command, [:]))
                return try await answers.next()
            }
        }
    }

    private static func line(
        _ command: String, _ arguments: [String: QMPValue], after prefix: [UInt8] = []
    ) throws -> ByteBuffer {
        let request: QMPValue = ["execute": .string(command), "arguments": .object(arguments)]
        return ByteBuffer(bytes: prefix + Array(try request.text.utf8) + [UInt8(ascii: "\n")])
    }

    private static func failure(_ what: String) -> CloudError {
        CloudError(.serviceUnavailable, "The guest's agent could not be asked.", detail: what)
    }

    /// The bytes of an agent, up to the limit.
    private struct Answers {
        var bytes: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
        private var rest: [UInt8] = []
        private var count = 0

        init(bytes: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator) { self.bytes = bytes }

        private mutating func read() async throws {
            guard count < GuestAgent.readLimit, let more = try await bytes.next() else {
                throw GuestAgent.failure("it ended, or says more than \(GuestAgent.readLimit) bytes")
            }
            count += more.readableBytes
            rest += Array(more.readableBytesView)
        }

        mutating func skip(to byte: UInt8) async throws {
            while true {
                if let index = rest.firstIndex(of: byte) {
                    rest.removeSubrange(...index)
                    return
                }
                rest = []
                try await read()
            }
        }

        /// What the agent returns. Throws when it says that it can't.
        mutating func next() async throws -> QMPValue {
            while true {
                if let index = rest.firstIndex(of: UInt8(ascii: "\n")) {
                    let line = Array(rest[..<index])
                    rest.removeSubrange(...index)
                    guard let value = QMPValue(json: line)?["return"] else {
                        throw GuestAgent.failure(GuestWords.shown(String(decoding: line, as: UTF8.self)))
                    }
                    return value
                }
                try await read()
            }
        }
    }
}

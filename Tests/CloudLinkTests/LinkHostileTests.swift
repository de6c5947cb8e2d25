import CloudCore
import CloudTesting
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization
import Testing

@testable import CloudLink

/// What others may send to a host's port.
@Suite("The link to a host: hostile programs", .timeLimit(.minutes(1)))
struct LinkHostileTests {
    @Test(
        "a request that is none of ours does not reach the desk",
        arguments: [
            "GET /images/7/5/files/../0 HTTP/1.1\r\n\r\n",
            "GET /images/7/5/files/..%2Fhost-id/0 HTTP/1.1\r\n\r\n",
            "GET /images/7/5/files/.hidden/0 HTTP/1.1\r\n\r\n", "GET /images/7/5/files//0 HTTP/1.1\r\n\r\n",
            "GET /images/7/5/files/-rf/0 HTTP/1.1\r\n\r\n",
            "GET /images/7/5/files/\(String(repeating: "a", count: 65))/0 HTTP/1.1\r\n\r\n",
            "GET /images/-7/5/files/kernel/0 HTTP/1.1\r\n\r\n",
            "GET /images/07/5/files/kernel/0 HTTP/1.1\r\n\r\n",
            "GET /images/7/5/files/kernel/99999999999999999999 HTTP/1.1\r\n\r\n",
            "GET /images/7/5/files/kernel/0/ HTTP/1.1\r\n\r\n",
            "GET images/7/5/files/kernel/0 HTTP/1.1\r\n\r\n",
            "POST /images/7/5/files/kernel/0 HTTP/1.1\r\n\r\n",
            "GET /images/7/5/files/kernel/0?x HTTP/1.1\r\n\r\n",
            "GET /images/7/5/files/kernel/0 HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc",
            "GET /images/7/5/files/kernel/0 HTTP/1.1\r\nx: \(String(repeating: "a", count: 5000))\r\n\r\n",
            "GET /\(String(repeating: "a", count: 5000)) HTTP/1.1\r\n\r\n",
            "GET /images/7/5/files/kernel/0 HTTP/1.1\r\n\(String(repeating: "a: b\r\n", count: 100))\r\n",
            "GET /images/7/5/files/kernel/0 HTTP/1.1\r\ncontent-length: 0\r\ntransfer-encoding: chunked\r\n\r\n",
            "not HTTP at all\r\n\r\n",
        ])
    func heads(_ text: String) async throws {
        try await LinkLab.with { lab in
            let desk = FakeDesk()
            let host = try await lab.host("host-1", desk)
            let other = try await lab.host("host-2")
            let reply = try await Raw.ask(host, text, by: other.identity)
            #expect(!reply.hasPrefix("HTTP/1.1 200"), "\(reply)")
            #expect(desk.asked == [])
            try await lab.table(other).hello(host.host?.id ?? 0)
        }
    }

    @Test("a second request on a connection is not answered")
    func pipelined() async throws {
        try await LinkLab.with { lab in
            let host = try await lab.host("host-1")
            let reply = try await Raw.ask(
                host, "GET /hello HTTP/1.1\r\n\r\nGET /hello HTTP/1.1\r\n\r\n", by: lab.server().identity)
            #expect(reply.components(of: "HTTP/1.1 200") == 1, "\(reply)")
        }
    }

    @Test("a program without a certificate, with TLS 1.2 or without our protocol is refused")
    func handshakes() async throws {
        try await LinkLab.with { lab in
            let host = try await lab.host("host-1")
            let hello = "GET /hello HTTP/1.1\r\n\r\n"
            var bare = TLSConfiguration.makeClientConfiguration()
            bare.certificateVerification = .none
            bare.applicationProtocols = [LinkIdentity.protocolName]
            #expect(try await Raw.ask(host, hello, context: NIOSSLContext(configuration: bare)) == "")
            var old = bare
            old.maximumTLSVersion = .tlsv12
            #expect(try await Raw.ask(host, hello, context: NIOSSLContext(configuration: old)) == "")
            try await eventually("both are counted") {
                host.figure("strettch_link_refused_total", "malformed") == 2
            }
            #expect(try await Raw.ask(host, hello, by: lab.server().identity).hasPrefix("HTTP/1.1 200"))
        }
    }

    @Test("silent connections of one address are bounded, and end")
    func silence() async throws {
        var limits = LinkLimits()
        (limits.opening, limits.handshake) = (4, .milliseconds(500))
        try await LinkLab.with(limits: limits) { lab in
            let host = try await lab.host("host-1")
            let address = try #require(host.address.value)
            var silent: [any Channel] = []
            for _ in 0..<5 {
                silent.append(
                    try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                        .connect(host: address.address.description, port: address.port).get())
            }
            try await eventually("one more than there may be is closed") {
                host.figure("strettch_link_refused_total", "noRoom") == 1
            }
            for channel in silent { try await channel.closeFuture.get() }
            try await lab.table(lab.server()).hello(host.host?.id ?? 0)
        }
    }

    @Test("a program has so many requests at once, and each side counts")
    func manyRequests() async throws {
        var limits = LinkLimits()
        limits.perPeer = 2
        try await LinkLab.with(limits: limits) { lab in
            let endless = Pattern(.max, chunk: 1024)
            let host = try await lab.host("host-1", FakeDesk(content: { _ in endless.bytes }))
            let other = try await lab.host("host-2")
            let image = ImageOnHost(id: 7, createdAtMs: 5)
            let desk = try await lab.desk(of: host, for: other)
            let streams = [
                try await desk.file("kernel", of: image, from: 0),
                try await desk.file("kernel", of: image, from: 0),
            ]
            let own = await #expect(throws: CloudError.self) {
                _ = try await desk.file("kernel", of: image, from: 0)
            }
            #expect(own?.message.contains("This server has 2 requests") == true)
            // A program that does not count.
            let theirs = await #expect(throws: CloudError.self) {
                _ = try await lab.desk(of: host, for: other).file("kernel", of: image, from: 0)
            }
            #expect(theirs?.message.contains("The host has 2 requests") == true)
            withExtendedLifetime(streams) {}
        }
    }

    @Test("a head that does not come ends the connection")
    func slowHead() async throws {
        var limits = LinkLimits()
        limits.head = .milliseconds(300)
        try await LinkLab.with(limits: limits) { lab in
            let host = try await lab.host("host-1")
            #expect(try await Raw.ask(host, "GET /hel", by: lab.server().identity) == "")
        }
    }
}

extension String {
    fileprivate func components(of part: String) -> Int { ranges(of: part).count }
}

/// A connection that sends what it is told to.
enum Raw {
    /// Sends the text as a program of the cell does, and returns all that comes back until the other side closes.
    static func ask(_ host: LinkProgram, _ text: String, by identity: LinkIdentity) async throws -> String {
        try await ask(host, text, context: identity.clientContext)
    }

    static func ask(_ host: LinkProgram, _ text: String, context: NIOSSLContext) async throws -> String {
        guard let address = host.address.value else { throw CloudError.bug("nobody listens") }
        let collector = Collector()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let tls = try NIOSSLClientHandler(
                        context: context, serverHostname: nil,
                        customVerificationCallback: { $1.succeed(.certificateVerified) })
                    try channel.pipeline.syncOperations.addHandlers([tls, Sink(collector)])
                }
            }
            .connect(host: address.address.description, port: address.port).get()
        // What can't be written any more was refused before.
        try? await channel.writeAndFlush(ByteBuffer(string: text)).get()
        try await channel.closeFuture.get()
        return collector.text
    }

    private final class Collector: Sendable {
        private let bytes = Mutex<[UInt8]>([])

        var text: String { bytes.withLock { String(decoding: $0, as: UTF8.self) } }

        func add(_ buffer: ByteBuffer) { bytes.withLock { $0 += buffer.readableBytesView } }
    }

    private final class Sink: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let collector: Collector

        init(_ collector: Collector) { self.collector = collector }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            collector.add(unwrapInboundIn(data))
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}

import CloudCore
import CloudServer
import CloudTesting
import NIOCore
import Testing

@Suite("The listener and HTTP/2 clients that do not read", .timeLimit(.minutes(2)))
struct ListenerHTTP2Tests {
    private static let document = "/api/v1/openapi.json"

    private func with(
        _ limits: ListenerLimits, _ body: @escaping @Sendable (ListeningCloud) async throws -> Void
    ) async throws {
        try await withTemporaryFolder { folder in
            let certificate = TestCertificate(folder: folder)
            try await certificate.make(name: "server")
            try await ListeningCloud.with(
                limits: limits, identity: try TLSIdentity(files: certificate.files), body)
        }
    }

    /// Of HPACK's static table: a status of 200 is 0x88, others are literals, whose digits are seen where they are not
    /// Huffman-coded. So this tells 200 from others.
    private static func isOK(_ head: RawHTTP2.Frame) -> Bool { head.body.first == 0x88 }

    @Test("a client whose streams stall is closed, however often it says that it is there")
    func stalled() async throws {
        var limits = ListenerLimits()
        limits.unread = .milliseconds(500)
        limits.slowestReader = 1 << 30
        try await with(limits) { cloud in
            try await RawHTTP2.with(cloud) { client in
                for stream in 0..<UInt32(100) { try await client.get(Self.document, stream: 2 * stream + 1) }
                #expect(Self.isOK(try await client.head(of: 1)))
                // WINDOW_UPDATE (8) of the connection: a sign of life that lets no stream go on.
                let update = RawHTTP2.Frame(kind: 8, flags: 0, stream: 0, body: [0, 0, 0, 1])
                try await eventually("the server closes") {
                    if client.isClosed { return true }
                    // Fails once the connection has ended, which is what is waited for.
                    try? await client.send(update)
                    return false
                }
            }
            #expect(try await cloud.curl(["--insecure", "--http2"]).contains("\"success\":true"))
        }
    }

    @Test("more is refused on a connection on which too much waits, and others are served")
    func waiting() async throws {
        var limits = ListenerLimits()
        limits.unreadPerConnection = 1
        try await with(limits) { cloud in
            try await RawHTTP2.with(cloud) { client in
                try await client.get(Self.document, stream: 1)
                #expect(Self.isOK(try await client.head(of: 1)))
                try await client.get(Self.document, stream: 3)
                #expect(!Self.isOK(try await client.head(of: 3)))
                try await eventually("the stream is ended") { client.reset.contains(3) }
                #expect(!client.isClosed)
                #expect(try await cloud.curl(["--insecure", "--http2"]).contains("\"success\":true"))
            }
        }
    }

    @Test("the client that has the most unread is closed when all have too much")
    func most() async throws {
        var limits = ListenerLimits()
        limits.unreadInAll = 2 * OpenAPI.document.count
        try await with(limits) { cloud in
            try await RawHTTP2.with(cloud) { other in
                try await other.get(Self.document, stream: 1)
                _ = try await other.head(of: 1)
                try await RawHTTP2.with(cloud) { client in
                    try await client.get(Self.document, stream: 1)
                    try await client.get(Self.document, stream: 3)
                    try await eventually("the one with two answers is closed") { client.isClosed }
                    #expect(!other.isClosed)
                }
            }
        }
    }

    @Test("a peer has a number of streams, over all of its connections, and gets those back that it ends")
    func streams() async throws {
        var limits = ListenerLimits()
        limits.perPeer = 4
        try await with(limits) { cloud in
            try await RawHTTP2.with(cloud) { first in
                for stream in [1, 3, 5] as [UInt32] {
                    try await first.get(Self.document, stream: stream)
                    #expect(Self.isOK(try await first.head(of: stream)))
                }
                try await RawHTTP2.with(cloud) { second in
                    try await second.get(Self.document, stream: 1)
                    #expect(Self.isOK(try await second.head(of: 1)))
                    try await second.get(Self.document, stream: 3)
                    #expect(!Self.isOK(try await second.head(of: 3)))
                    try await eventually("the stream is ended") { second.reset.contains(3) }
                    // RST_STREAM with CANCEL.
                    try await first.send(
                        .init(kind: RawHTTP2.Frame.reset, flags: 0, stream: 5, body: [0, 0, 0, 8]))
                    try await eventually("there is room for one more") {
                        let stream = UInt32(2 * second.frames.count + 101)
                        try await second.get(Self.document, stream: stream)
                        return Self.isOK(try await second.head(of: stream))
                    }
                }
            }
        }
    }

    @Test("a request names its host once")
    func hosts() async throws {
        try await with(ListenerLimits()) { cloud in
            let requests: [(authority: String?, fields: [(String, String)], isOK: Bool)] = [
                ("a", [], true), (nil, [], false), ("", [], false), ("a b", [], false), ("u@a", [], false),
                (nil, [("host", "a")], true), ("a", [("host", "A")], true), ("a", [("host", "b")], false),
                ("a", [("host", "a"), ("host", "a")], false), ("a", [("expect", "200-ok")], false),
                ("[::1]:443", [], true),
            ]
            for request in requests {
                // A connection for each: what is not a field value at all makes the library end it.
                try await RawHTTP2.with(cloud) { client in
                    try await client.get(
                        "/api/v1/health", stream: 1, authority: request.authority, more: request.fields)
                    try await eventually("\(request) is answered") { client.hasAnswer(1) }
                    let head = client.frames.first { $0.kind == RawHTTP2.Frame.headers && $0.stream == 1 }
                    let isOK = head.map { Self.isOK($0) } ?? false
                    #expect(isOK == request.isOK, "\(request)")
                }
            }
        }
    }

    @Test("the server says how much it takes at once: 100 streams")
    func settings() async throws {
        try await with(ListenerLimits()) { cloud in
            try await RawHTTP2.with(cloud) { client in
                try await eventually("there are settings") {
                    client.frames.contains { $0.kind == RawHTTP2.Frame.settings && $0.flags == 0 }
                }
                let body = try #require(client.frames.first { $0.kind == RawHTTP2.Frame.settings }).body
                let settings = stride(from: 0, to: body.count, by: 6).map { Array(body[$0..<($0 + 6)]) }
                // SETTINGS_MAX_CONCURRENT_STREAMS (3).
                #expect(settings.contains([0, 3, 0, 0, 0, 100]))
            }
        }
    }
}

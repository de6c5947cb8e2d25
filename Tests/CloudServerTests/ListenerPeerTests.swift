import CloudCore
import CloudServer
import CloudTesting
import NIOCore
import Testing

@Suite("The listener among many clients", .timeLimit(.minutes(2)))
struct ListenerPeerTests {
    private static let health = "GET /api/v1/health HTTP/1.1\r\nHost: a\r\n\r\n"

    private static func limits(_ connections: Int, perPeer: Int) -> ListenerLimits {
        var limits = ListenerLimits(connections: connections)
        limits.perPeer = perPeer
        limits.opening = .seconds(60)
        return limits
    }

    /// A create whose body does not come.
    private static func heldBack(_ key: String, _ more: String = "") -> String {
        "POST /api/v1/computes HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(key)\r\n\(more)"
            + "Idempotency-Key: \(TestCloud.newKey())\r\nContent-Type: application/json\r\n"
            + "Content-Length: 60000\r\n\r\n{"
    }

    @Test(
        "a new client is served while another holds all the connections there are, silent ones with TLS too")
    func silent() async throws {
        try await withTemporaryFolder { folder in
            let certificate = TestCertificate(folder: folder)
            try await certificate.make(name: "server")
            for identity in [nil, try TLSIdentity(files: certificate.files)] {
                try await ListeningCloud.with(limits: Self.limits(4, perPeer: 4), identity: identity) {
                    cloud in
                    try await Self.holding(6, cloud) { held in
                        #expect(try await cloud.curl(["--insecure"]).contains("\"success\":true"))
                        try await eventually("those that were too many are closed") {
                            held.count { $0.isClosed } >= 2
                        }
                        #expect(held.count { $0.isClosed } <= 3, "the others are left")
                    }
                }
            }
        }
    }

    @Test("a peer that has too many connections loses its own, and no other's are touched")
    func ownOnly() async throws {
        try await ListeningCloud.with(limits: Self.limits(10, perPeer: 2)) { cloud in
            try await cloud.connect(from: "127.0.0.2") { other in
                try await other.send(Self.health)
                _ = try await other.read(until: "requestId")
                try await Self.holding(3, cloud) { held in
                    // Which of them the server took first is the scheduler's choice.
                    try await eventually("one of its own is closed") { held.contains { $0.isClosed } }
                    try await other.send(Self.health.replacing("health", with: "images"))
                    _ = try await other.read(until: "401")
                }
            }
        }
    }

    @Test(
        "a connection with a request under way is never closed for another's sake, which is then turned away")
    func underWay() async throws {
        try await ListeningCloud.with(limits: Self.limits(1, perPeer: 1)) { cloud in
            try await cloud.connect { busy in
                try await busy.send(Self.heldBack(cloud.key))
                try await eventually("the request is under way") {
                    cloud.metrics.text.contains("strettch_http_requests_in_flight 1")
                }
                let turnedAway = try await cloud.connect { try await $0.readToEnd() }
                #expect(turnedAway.isEmpty)
                #expect(!busy.isClosed)
            }
        }
    }

    @Test("behind a trusted proxy each client that it names has a limit, and the proxy has none")
    func proxy() async throws {
        let proxies = try #require(TrustedProxies("127.0.0.1"))
        try await ListeningCloud.with(limits: Self.limits(10, perPeer: 1), proxies: proxies) { cloud in
            try await cloud.connect { busy in
                try await busy.send(Self.heldBack(cloud.key, "X-Forwarded-For: 203.0.113.7\r\n"))
                try await eventually("the request is under way") {
                    cloud.metrics.text.contains("strettch_http_requests_in_flight 1")
                }
                let codes = ["--output", "/dev/null", "--write-out", "%{http_code} %header{retry-after}"]
                let same = try await cloud.curl(
                    codes + ["--header", "X-Forwarded-For: 1.1.1.1, 203.0.113.7"])
                #expect(same == "429 1")
                #expect(try await cloud.curl(codes + ["--header", "X-Forwarded-For: 203.0.113.8"]) == "200 ")
                #expect(!busy.isClosed)
            }
            try await eventually("the place is given back") {
                try await cloud.curl(["--header", "X-Forwarded-For: 203.0.113.7"]).contains(
                    "\"success\":true")
            }
        }
    }

    @Test("a client that does not read what it asked for is closed")
    func reader() async throws {
        var limits = ListenerLimits()
        limits.unread = .milliseconds(300)
        limits.slowestReader = 1 << 30
        try await ListeningCloud.with(limits: limits) { cloud in
            try await cloud.deaf { outbound in
                let request = "GET /api/v1/openapi.json HTTP/1.1\r\nHost: a\r\n\r\n"
                try await eventually("the server closes") {
                    do {
                        try await outbound.write(ByteBuffer(string: request))
                        return false
                    } catch {
                        return true  // that is what is waited for
                    }
                }
            }
            #expect(try await cloud.curl([]).contains("\"success\":true"))
        }
    }

    /// Runs `body` while so many connections of 127.0.0.1 are open, one opened after the other, that say nothing.
    private static func holding(
        _ count: Int, _ cloud: ListeningCloud, _ held: [RawConnection] = [],
        _ body: @escaping @Sendable ([RawConnection]) async throws -> Void
    ) async throws {
        guard held.count < count else { return try await body(held) }
        try await cloud.connect { try await holding(count, cloud, held + [$0], body) }
    }
}

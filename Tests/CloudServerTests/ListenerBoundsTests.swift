import CloudCore
import CloudMetrics
import CloudServer
import CloudTesting
import NIOCore
import Testing

@Suite("The listener's bounds", .timeLimit(.minutes(2)))
struct ListenerBoundsTests {
    /// Short enough for a test to wait for.
    static var short: ListenerLimits {
        var limits = ListenerLimits()
        limits.opening = .seconds(1)
        limits.request = .seconds(1)
        limits.idle = .milliseconds(1200)
        limits.linger = .milliseconds(200)
        return limits
    }

    @Test("a head that arrives byte by byte is cut off with 408 in the envelope")
    func slowHead() async throws {
        try await ListeningCloud.with(limits: Self.short) { cloud in
            let start = ContinuousClock.now
            let answer = try await cloud.connect { connection in
                try await Self.drip("GET /api/v1/health HTTP/1.1\r\nHost: a\r\nX: ", on: connection)
            }
            #expect(answer.hasPrefix("HTTP/1.1 408 "), "\(answer)")
            #expect(answer.contains("\"code\":\"BAD_REQUEST\""))
            #expect(answer.contains("\"requestId\""))
            #expect(ContinuousClock.now - start < .seconds(20))
            #expect(cloud.metrics.text.contains("strettch_http_refused_total{status=\"408\"} 1"))
        }
    }

    @Test("a body that arrives byte by byte is cut off with 408 in the envelope")
    func slowBody() async throws {
        try await ListeningCloud.with(limits: Self.short) { cloud in
            let answer = try await cloud.connect { connection in
                try await connection.send(
                    "POST /api/v1/computes HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(cloud.key)\r\n"
                        + "Idempotency-Key: \(TestCloud.newKey())\r\nContent-Type: application/json\r\n"
                        + "Content-Length: 60000\r\n\r\n")
                return try await Self.drip("{\"hostName\": \"", on: connection)
            }
            #expect(answer.hasPrefix("HTTP/1.1 408 "), "\(answer)")
            #expect(answer.lowercased().contains("\r\nconnection: close\r\n"))
            #expect(answer.contains("\"success\":false"))
        }
    }

    @Test("a connection is closed whose client sends nothing, and one that is idle after an answer")
    func idle() async throws {
        try await ListeningCloud.with(limits: Self.short) { cloud in
            let silent = try await cloud.connect { try await $0.readToEnd() }
            #expect(silent.isEmpty)
            let rest = try await cloud.connect { connection in
                try await connection.send("GET /api/v1/health HTTP/1.1\r\nHost: a\r\n\r\n")
                return try await connection.readToEnd()
            }
            #expect(rest.hasPrefix("HTTP/1.1 200 "))
            #expect(!rest.contains("408"))
        }
    }

    static let heads: [(String, String, Int)] = [
        ("too many fields", "GET / HTTP/1.1\r\n" + String(repeating: "a: b\r\n", count: 200) + "\r\n", 431),
        (
            "a field that is too long",
            "GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "a", count: 9000) + "\r\n\r\n", 431
        ),
        (
            "a path that is too long",
            "GET /" + String(repeating: "a", count: 9000) + " HTTP/1.1\r\nHost: a\r\n\r\n", 431
        ),
        (
            "fields that are too long together",
            "GET / HTTP/1.1\r\n"
                + (0..<10).map { "X\($0): \(String(repeating: "a", count: 2000))\r\n" }.joined() + "\r\n", 431
        ),
        ("no HTTP", "hello, is anybody there?\r\n\r\n", 400),
        ("TLS", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\r\n\r\n", 400),
        (
            "two lengths", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400
        ),
    ]

    @Test(
        "a head that can't be served is answered in the envelope, and the connection ends", arguments: heads)
    func refused(_ name: String, head: String, status: Int) async throws {
        try await ListeningCloud.with(limits: Self.short) { cloud in
            let answer = try await cloud.connect { connection in
                try await connection.send(head)
                return try await connection.readToEnd()
            }
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(name): \(answer)")
            #expect(answer.contains("\"code\":\"BAD_REQUEST\""), "\(name)")
            #expect(answer.split(separator: "HTTP/1.1 ").count == 1, "one answer alone: \(answer)")
        }
    }

    @Test("a broken request behind a good one does not spoil the good one's answer")
    func pipelined() async throws {
        try await ListeningCloud.with(limits: Self.short) { cloud in
            let answer = try await cloud.connect { connection in
                try await connection.send("GET /api/v1/health HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n\r\n")
                return try await connection.readToEnd()
            }
            #expect(answer.hasPrefix("HTTP/1.1 200 "), "\(answer)")
        }
    }

    /// Sends the text, and then one byte after the other, until the server closes the connection.
    private static func drip(_ text: String, on connection: RawConnection) async throws -> String {
        try await connection.send(text)
        return try await withThrowingTaskGroup(of: String?.self) { group in
            group.addTask { try await connection.readToEnd() }
            group.addTask {
                try await eventually("the server has closed") {
                    do {
                        try await connection.send("a")
                        return false
                    } catch {
                        return true  // that is what is waited for
                    }
                }
                return nil
            }
            while let answer = try await group.next() {
                guard let answer else { continue }
                group.cancelAll()
                return answer
            }
            throw NeverTrue(what: "the server answers")
        }
    }
}

extension RequestMetrics {
    var text: String { PrometheusText.render(families) }
}

import CloudCore
import CloudServer
import CloudTesting
import NIOCore
import Testing

@Suite("The head of a request", .timeLimit(.minutes(2)))
struct ListenerHeadTests {
    /// Lines of the head behind the method and path, and the status.
    static let hosts: [(lines: String, status: Int)] = [
        ("HTTP/1.1\r\nHost: a", 200), ("HTTP/1.1\r\nhOsT: a", 200), ("HTTP/1.1\r\nHost: a:80", 200),
        ("HTTP/1.1\r\nHost: a:", 200), ("HTTP/1.1\r\nHost: 127.0.0.1:8080", 200),
        ("HTTP/1.1\r\nHost: [::1]:8080", 200), ("HTTP/1.1\r\nHost: [::1]", 200),
        ("HTTP/1.1\r\nHost: a.b-c_d~e%41", 200), ("HTTP/1.0\r\nHost: a", 200), ("HTTP/1.0", 200),
        ("HTTP/1.1", 400), ("HTTP/1.1\r\nX: a", 400), ("HTTP/1.1\r\nHost:", 400), ("HTTP/1.1\r\nHost: ", 400),
        ("HTTP/1.1\r\nHost: a\r\nHost: a", 400), ("HTTP/1.1\r\nHost: a\r\nhost: b", 400),
        ("HTTP/1.0\r\nHost: a\r\nHost: b", 400), ("HTTP/1.1\r\nHost: a, b", 400),
        ("HTTP/1.1\r\nHost: a b", 400), ("HTTP/1.1\r\nHost: a/b", 400), ("HTTP/1.1\r\nHost: u@a", 400),
        ("HTTP/1.1\r\nHost: http://a", 400), ("HTTP/1.1\r\nHost: a:b", 400),
        ("HTTP/1.1\r\nHost: a:70000", 400),
        ("HTTP/1.1\r\nHost: a:-1", 400), ("HTTP/1.1\r\nHost: a:+1", 400), ("HTTP/1.1\r\nHost: :80", 400),
        ("HTTP/1.1\r\nHost: ::1", 400), ("HTTP/1.1\r\nHost: [::1", 400), ("HTTP/1.1\r\nHost: [::1]80", 400),
        ("HTTP/1.1\r\nHost: [127.0.0.1]", 400), ("HTTP/1.1\r\nHost: [a]", 400),
        ("HTTP/1.1\r\nHost: a%zz", 400),
        ("HTTP/1.1\r\nHost: a%4", 400), ("HTTP/1.1\r\nHost: \u{e9}", 400), ("HTTP/1.1\r\nHost: a\"b", 400),
        ("HTTP/1.1\r\nHost: a?b", 400), ("HTTP/1.1\r\nHost: a#b", 400),
    ]

    @Test("names the server once, in a form that can be a host's")
    func hosts() async throws {
        try await ListeningCloud.with { cloud in
            for (lines, status) in Self.hosts {
                let answer = try await cloud.connect { connection in
                    try await connection.send("GET /api/v1/health \(lines)\r\nConnection: close\r\n\r\n")
                    return try await connection.readToEnd()
                }
                #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(lines): \(answer)")
                #expect(answer.contains("\"requestId\""), "\(lines)")
                if status == 400 { #expect(answer.contains("Send one Host"), "\(lines): \(answer)") }
            }
        }
    }

    @Test("without a Host behind a good request ends the connection after the good one's answer")
    func pipelined() async throws {
        try await ListeningCloud.with { cloud in
            let answer = try await cloud.connect { connection in
                let good = "GET /api/v1/health HTTP/1.1\r\nHost: a\r\n\r\n"
                try await connection.send(good + "GET /api/v1/health HTTP/1.1\r\n\r\n" + good)
                return try await connection.readToEnd()
            }
            #expect(answer.hasPrefix("HTTP/1.1 200 "), "\(answer)")
            #expect(answer.split(separator: "HTTP/1.1 ").count == 1, "\(answer)")
        }
    }

    private static func create(_ key: String, _ more: String, body: String = TestCloud.body()) -> String {
        "POST /api/v1/computes HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(key)\r\n"
            + "Idempotency-Key: \(TestCloud.newKey())\r\nContent-Type: application/json\r\n"
            + "Content-Length: \(body.utf8.count)\r\n\(more)\r\n"
    }

    @Test(
        "may ask for leave to send the body, and gets it when the body is read",
        arguments: ["100-continue", "100-Continue"])
    func leave(_ expectation: String) async throws {
        try await ListeningCloud.with { cloud in
            let answer = try await cloud.connect { connection in
                try await connection.send(Self.create(cloud.key, "Expect: \(expectation)\r\n"))
                let leave = try await connection.read(until: "\r\n\r\n")
                #expect(leave == "HTTP/1.1 100 Continue\r\n\r\n")
                try await connection.send(
                    TestCloud.body() + "GET /api/v1/health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                return try await connection.readToEnd()
            }
            #expect(answer.contains("HTTP/1.1 202 "), "\(answer)")
            #expect(answer.contains("HTTP/1.1 200 "), "the connection goes on: \(answer)")
        }
    }

    /// What is replaced in a create that expects a 100, and the status that it is refused with.
    static let refusals: [(String, String, status: Int)] = [
        ("Bearer strettch_", "Bearer no_", 401), ("application/json", "text/plain", 415),
        ("Idempotency-Key", "X-Key", 400), ("Content-Length: ", "Content-Length: 99", 413),
        ("/computes ", "/nothing ", 404), ("POST", "PUT", 405), ("/computes ", "/computes?dryRun=x ", 400),
        ("100-continue", "100-continue, 200-ok", 417), ("100-continue", "a", 417), ("100-continue", "", 417),
    ]

    @Test("gets no leave, and no other request on the connection, when the request is refused at once")
    func refused() async throws {
        try await ListeningCloud.with { cloud in
            for (part, replacement, status) in Self.refusals {
                let request = Self.create(cloud.key, "Expect: 100-continue\r\n").replacing(
                    part, with: replacement)
                let answer = try await cloud.connect { connection in
                    try await connection.send(request)
                    return try await connection.readToEnd()
                }
                #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(replacement): \(answer)")
                #expect(answer.lowercased().contains("\r\nconnection: close\r\n"), "\(answer)")
            }
        }
    }

    @Test("gets no leave where nobody waits for it: HTTP/1.0, a body that is there, and none")
    func noLeave() async throws {
        try await ListeningCloud.with { cloud in
            let expect = "Expect: 100-continue\r\nConnection: close\r\n"
            let requests = [
                Self.create(cloud.key, expect).replacing("HTTP/1.1", with: "HTTP/1.0") + TestCloud.body(),
                Self.create(cloud.key, expect) + TestCloud.body(),
                "GET /api/v1/health HTTP/1.1\r\nHost: a\r\n\(expect)\r\n",
            ]
            for request in requests {
                let answer = try await cloud.connect { connection in
                    try await connection.send(request)
                    return try await connection.readToEnd()
                }
                #expect(answer.hasPrefix("HTTP/1.1 20"), "\(answer)")
            }
        }
    }

    @Test("may expect a 100 of a stream of events, which begins without one")
    func stream() async throws {
        try await ListeningCloud.with { cloud in
            try await cloud.connect { connection in
                try await connection.send(
                    "GET /api/v1/events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(cloud.key)\r\n"
                        + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
                let answer = try await connection.read(until: "retry: ")
                #expect(answer.hasPrefix("HTTP/1.1 200 "), "\(answer)")
            }
        }
    }
}

import CloudCore
import CloudServer
import CloudTesting
import Testing

@Suite("Pages of other origins", .timeLimit(.minutes(1)))
struct CrossOriginTests {
    private static let preflight = [
        "--request", "OPTIONS", "--header", "Access-Control-Request-Method: POST",
    ]

    private static func origin(_ text: String) -> [String] { ["--include", "--header", "Origin: \(text)"] }

    @Test("those that are named may ask, and read answers with their headers, errors too")
    func named() async throws {
        let crossOrigin = try #require(CrossOrigin("https://a.example, http://b.example:8080"))
        try await ListeningCloud.with(crossOrigin: crossOrigin) { cloud in
            for origin in ["https://a.example", "http://b.example:8080"] {
                let asked = try await cloud.curl(Self.preflight + Self.origin(origin), "/api/v1/computes")
                #expect(asked.hasPrefix("HTTP/1.1 204 "), "\(asked)")
                let names = Self.fields(asked)
                #expect(names["access-control-allow-origin"] == origin)
                #expect(names["access-control-allow-methods"] == "POST, GET")
                #expect(names["access-control-allow-headers"]?.contains("Idempotency-Key") == true)
                #expect(names["access-control-allow-credentials"] == nil)
                let answer = try await cloud.curl(Self.origin(origin), "/api/v1/computes")
                #expect(answer.hasPrefix("HTTP/1.1 401 "))
                #expect(Self.fields(answer)["access-control-allow-origin"] == origin)
                #expect(Self.fields(answer)["vary"] == "Origin")
                let exposed = try #require(Self.fields(answer)["access-control-expose-headers"])
                for name in ["x-ratelimit-reset", "Idempotent-Replayed", "Retry-After", "X-Request-Id"] {
                    #expect(exposed.contains(name))
                }
            }
        }
    }

    @Test("others are not told anything, and get no answer to their preflight")
    func others() async throws {
        let crossOrigin = try #require(CrossOrigin("https://a.example"))
        try await ListeningCloud.with(crossOrigin: crossOrigin) { cloud in
            let origins = [
                "https://b.example", "http://a.example", "https://a.example:443", "https://a.example.b",
                "null", "*",
                "https://A.example", "https://a.example, https://b.example",
            ]
            for origin in origins {
                let answer = try await cloud.curl(Self.origin(origin))
                #expect(answer.hasPrefix("HTTP/1.1 200 "))
                #expect(Self.fields(answer)["access-control-allow-origin"] == nil, "\(origin)")
                #expect(Self.fields(answer)["vary"] == "Origin")
                let asked = try await cloud.curl(Self.preflight + Self.origin(origin), "/api/v1/computes")
                #expect(asked.hasPrefix("HTTP/1.1 405 "))
            }
            let plain = try await cloud.curl(Self.preflight + ["--include"], "/api/v1/computes")
            #expect(plain.hasPrefix("HTTP/1.1 405 "), "no origin")
            let nowhere = try await cloud.curl(
                Self.preflight + Self.origin("https://a.example"), "/api/v1/no")
            #expect(nowhere.hasPrefix("HTTP/1.1 404 "))
        }
    }

    @Test("all may with '*', and none without the setting")
    func allOrNone() async throws {
        try await ListeningCloud.with(crossOrigin: CrossOrigin("*")) { cloud in
            let answer = try await cloud.curl(Self.origin("https://any.example"))
            #expect(Self.fields(answer)["access-control-allow-origin"] == "*")
            #expect(Self.fields(answer)["vary"] == nil)
        }
        try await ListeningCloud.with { cloud in
            let answer = try await cloud.curl(Self.origin("https://any.example"))
            #expect(!answer.lowercased().contains("access-control") && !answer.lowercased().contains("vary"))
            let asked = try await cloud.curl(
                Self.preflight + Self.origin("https://any.example"), "/api/v1/computes")
            #expect(asked.hasPrefix("HTTP/1.1 405 "))
        }
    }

    @Test(
        "an origin is as browsers send it",
        arguments: [
            ("*", true), ("https://a.example", true), ("http://127.0.0.1:3000", true),
            ("https://[::1]:1", true),
            ("", false), ("a.example", false), ("https://a.example/", false), ("https://a.example/x", false),
            ("https://a.example:443", false), ("http://a.example:80", false), ("https://A.example", false),
            ("https://*.example", false), ("https://a.example,*", false), ("null", false), ("ftp://a", false),
            ("https://a.example:", false), ("https://", false), ("https://a.example,", false),
            ("https://u@a", false),
        ])
    func settings(_ text: String, isValid: Bool) { #expect((CrossOrigin(text) != nil) == isValid) }

    /// The header fields of the text, their names in lower case.
    private static func fields(_ answer: String) -> [String: String] {
        var fields: [String: String] = [:]
        for line in answer.split(separator: "\r\n").dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 { fields[parts[0].lowercased()] = parts[1].drop { $0 == " " }.description }
        }
        return fields
    }
}

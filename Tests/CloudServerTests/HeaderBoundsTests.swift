import CloudTesting
import HTTPTypes
import Testing

@Suite("Bounds of headers, paths and queries")
struct HeaderBoundsTests {
    private static let long = String(repeating: "7", count: 30_000)

    /// A request with one part that is malformed or far too long, and how it is refused.
    static let requests:
        [(HTTPRequest.Method, String, headers: [String: String], status: Int, code: String)] = [
            (.get, "/computes", ["Authorization": "Bearer \(long)"], 401, "UNAUTHORIZED"),
            (.get, "/computes", ["Authorization": long], 401, "UNAUTHORIZED"),
            (.get, "/computes", ["Authorization": "Bearer \u{301}"], 401, "UNAUTHORIZED"),
            (.post, "/computes", ["Idempotency-Key": long], 400, "INVALID_IDEMPOTENCY_KEY"),
            (.post, "/computes", ["Idempotency-Key": "ключ"], 400, "INVALID_IDEMPOTENCY_KEY"),
            (.post, "/computes", ["Content-Type": "application/json;\(long)"], 415, "UNSUPPORTED_MEDIA_TYPE"),
            (.post, "/computes", ["Content-Type": long], 415, "UNSUPPORTED_MEDIA_TYPE"),
            (.post, "/computes", ["Content-Type": "appli cation/json"], 415, "UNSUPPORTED_MEDIA_TYPE"),
            (.post, "/computes", ["Content-Type": "application/json\u{301};"], 415, "UNSUPPORTED_MEDIA_TYPE"),
            (.post, "/computes", ["Content-Type": "application/jsonp"], 415, "UNSUPPORTED_MEDIA_TYPE"),
            (.get, "/computes/\(long)", [:], 400, "BAD_REQUEST"),
            (.delete, "/computes/\(long)", [:], 400, "BAD_REQUEST"),
            (.get, "/computes/1234567890123456789", [:], 400, "BAD_REQUEST"),
            (.get, "/computes/%D9%A1", [:], 400, "BAD_REQUEST"),
            (.get, "/computes/%FF", [:], 400, "BAD_REQUEST"),
            (.get, "/computes/%zz", [:], 400, "BAD_REQUEST"),
            (.get, "/computes/1%00", [:], 400, "BAD_REQUEST"),
            (.get, "/\(long)", [:], 404, "RESOURCE_NOT_FOUND"),
            (.get, "/computes?page=\(long)", [:], 400, "BAD_REQUEST"),
            (.get, "/computes?limit=%FF", [:], 400, "BAD_REQUEST"),
            (.get, "/computes?page=1&page=1", [:], 400, "BAD_REQUEST"),
            (.get, "/computes/specifications?limit=1&page=1&limit=2", [:], 400, "BAD_REQUEST"),
            (.trace, "/computes", [:], 405, "METHOD_NOT_ALLOWED"),
        ]

    @Test("what is beyond them is refused in the envelope, without repeating it whole", arguments: requests)
    func refused(
        _ method: HTTPRequest.Method, _ path: String, headers: [String: String], status: Int, code: String
    ) async throws {
        try await TestCloud.with { cloud in
            var fields = cloud.createFields()
            for (name, value) in headers {
                if let name = HTTPField.Name(name) { fields[name] = value }
            }
            let answer = try await cloud.sendRaw(
                method, "/api/v1\(path)", fields, body: method == .post ? Array(TestCloud.body().utf8) : nil)
            #expect(answer.status == status, "\(answer.text)")
            #expect(answer.code == code)
            #expect(answer.json["requestId"]?.string != nil)
            #expect(answer.text.utf8.count < 1000)
            let list = try await cloud.send(.get, "/computes")
            #expect(list.json["meta"]?["total"]?.number == 0)
        }
    }

    @Test("two Authorization fields are refused, since the server can't know which one is meant")
    func twoAuthorizations() async throws {
        try await TestCloud.with { cloud in
            var fields = cloud.createFields()
            fields.append(HTTPField(name: .authorization, value: fields[.authorization] ?? ""))
            let answer = try await cloud.sendRaw(.get, "/api/v1/computes", fields)
            #expect(answer.status == 401)
        }
    }

    @Test("a header that means nothing here is ignored, whatever it holds")
    func unknownHeader() async throws {
        try await TestCloud.with { cloud in
            let answer = try await cloud.send(.get, "/computes", headers: ["X-Long": Self.long])
            #expect(answer.status == 200)
        }
    }
}

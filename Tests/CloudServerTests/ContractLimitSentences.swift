import CloudControl
import CloudCore
import CloudTesting
import HTTPTypes
import Testing

@testable import CloudServer

/// The API reference, "Idempotency, rate limits" and what it says of bodies, fact by fact. The edges are in
/// `IdempotencyTests` and `RateLimitTests`.
@Suite("The API reference on limits, retries and bodies")
struct ContractLimitSentences {
    // MARK: Rate limits

    static let responses: [(HTTPRequest.Method, String, TestCloud.Key, status: Int)] = [
        (.get, "/images", .of(.owner), 200), (.post, "/computes", .of(.owner), 202),
        (.get, "/computes/abc", .of(.owner), 400), (.get, "/computes", .none, 401),
        (.post, "/computes", .of(.member), 403), (.get, "/computes/99", .of(.owner), 404),
        (.get, "/nothing", .of(.owner), 404), (.put, "/computes", .of(.owner), 405),
        (.get, "/health", .none, 200),
    ]

    @Test(
        "every response tells limit, what is left of it and the Unix second of the next", arguments: responses
    )
    func headers(_ method: HTTPRequest.Method, _ path: String, _ key: TestCloud.Key, status: Int) async throws
    {
        try await withLimit { cloud in
            let isCreate = method == .post
            let answer = try await cloud.send(
                method, path, as: key, headers: isCreate ? ["Idempotency-Key": TestCloud.newKey()] : [:],
                body: isCreate ? TestCloud.body() : nil)
            #expect(answer.status == status)
            let limit = try #require(answer.headers[.rateLimitLimit].flatMap { Int($0) })
            #expect(answer.headers[.rateLimitRemaining] == "\(limit - 1)")
            #expect(answer.headers[.rateLimitReset] == "\(cloud.clock.nowMs / 1000 + 1)")
        }
    }

    @Test("a key may ask twice in a second; the third time is 429, headers and all, and nothing is done")
    func tooMany() async throws {
        try await withLimit { cloud in
            for _ in 0..<2 { #expect(try await cloud.send(.get, "/regions").status == 200) }
            let refused = try await cloud.create()
            #expect(refused.status == 429)
            #expect(refused.code == "TOO_MANY_REQUESTS")
            #expect(refused.headers[.rateLimitLimit] == "2")
            #expect(refused.headers[.rateLimitRemaining] == "0")
            #expect(try await cloud.send(.get, "/regions", as: .of(.admin)).status == 200, "another key")
            cloud.clock.advance(milliseconds: 1000)
            #expect(try await cloud.send(.get, "/computes").data?.array == [])
        }
    }

    private func withLimit(_ body: @escaping @Sendable (TestCloud) async throws -> Void) async throws {
        var settings = CloudSettings.test
        settings.rateLimit = 2
        try await TestCloud.with(settings: settings, body)
    }

    // MARK: Idempotency

    @Test("a retry with another API key of the team, after the first was revoked, is replayed")
    func rotated() async throws {
        try await TestCloud.with { cloud in
            let key = TestCloud.newKey()
            let first = try await cloud.create(idempotencyKey: key, as: .of(.admin))
            let keys = try await cloud.send(.get, "/keys").data?.array ?? []
            let old = try #require(keys.first { $0["role"]?.string == "Admin" }?["id"]?.string)
            let made = try await cloud.send(
                .post, "/keys", body: #"{"name": "rotated", "role": "Admin"}"#)
            let secret = try #require(made.data?["key"]?.string)
            #expect(try await cloud.send(.delete, "/keys/\(old)").status == 200)
            #expect(try await cloud.create(idempotencyKey: key, as: .of(.admin)).status == 401)
            let again = try await cloud.create(idempotencyKey: key, as: .raw("Bearer \(secret)"))
            #expect(again.isReplay)
            #expect(again.text == first.text)
            #expect(again.status == 202)
        }
    }

    @Test("a key is remembered for the life of its compute and 30 days after, and not a day more")
    func remembered() async throws {
        let dayMs: Int64 = 24 * Meter.hourMs
        let minuteMs: Int64 = 60_000
        try await TestCloud.with { cloud in
            let key = TestCloud.newKey()
            let first = try await cloud.create(idempotencyKey: key)
            let id = try #require(first.data?["id"]?.string)
            try await cloud.settle()
            // In the compute's life, at its end, and just before the 30 days are over.
            cloud.clock.advance(milliseconds: 400 * dayMs)
            #expect(try await isReplayed(key, first, cloud))
            _ = try await cloud.act(.delete, on: id)
            try await cloud.settle()
            #expect(try await isReplayed(key, first, cloud))
            cloud.clock.advance(milliseconds: 30 * dayMs - minuteMs)
            #expect(try await isReplayed(key, first, cloud))
            cloud.clock.advance(milliseconds: minuteMs)
            try await cloud.supervise()
            let other = try await cloud.create(idempotencyKey: key)
            #expect(other.status == 202 && !other.isReplay)
            #expect(other.data?["id"]?.string != id)
        }
    }

    private func isReplayed(_ key: String, _ first: TestAnswer, _ cloud: TestCloud) async throws -> Bool {
        try await cloud.supervise()
        let answer = try await cloud.create(idempotencyKey: key)
        return answer.isReplay && answer.text == first.text && answer.status == 202
    }

    // MARK: Bodies

    /// Endpoint, a good body, and one with a member of a wrong type, by its name.
    static let bodies: [(endpoint: String, good: String, wrong: String, field: String)] = [
        ("POST /computes", TestCloud.body(), TestCloud.body(more: #", "tags": "web""#), "tags"),
        (
            "PATCH /computes/{id}/upsize", #"{"newSpecification": "S-2C-4G"}"#, #"{"newSpecification": 4}"#,
            "newSpecification"
        ),
        (
            "PATCH /computes/{id}/upsize",
            #"{"newSpecificationId": "0b7a1f1e-5d0c-4f0e-9d7e-1b1f6f1c0004"}"#,
            #"{"newSpecificationId": null}"#, "newSpecificationId"
        ),
        ("PATCH /computes/{id}", #"{"tags": []}"#, #"{"tags": {}}"#, "tags"),
        (
            "POST /keys", #"{"name": "ci", "role": "Member"}"#, #"{"name": true, "role": "Member"}"#, "name"
        ),
    ]

    @Test(
        "a member that nobody knows is ignored, and one of a wrong type is refused by its name",
        arguments: bodies)
    func members(endpoint: String, good: String, wrong: String, field: String) async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            _ = try await cloud.act(.stop, on: id)
            try await cloud.settle()
            let parts = endpoint.replacing("{id}", with: id).split(separator: " ").map(String.init)
            let method = try #require(HTTPRequest.Method(parts[0]))
            let refused = try await cloud.send(
                method, parts[1], headers: ["Idempotency-Key": TestCloud.newKey()], body: wrong)
            #expect(refused.status == 400)
            #expect(refused.code == "VALIDATION_ERROR")
            #expect(refused.fields == [field])
            let unknown = good.dropLast() + #", "colour": {"of": ["the", 7]}}"#
            let accepted = try await cloud.send(
                method, parts[1], headers: ["Idempotency-Key": TestCloud.newKey()], body: String(unknown))
            #expect((200...202).contains(accepted.status), "\(accepted.text)")
        }
    }

    @Test(
        "all that is wrong with a request is told at once: what is missing, of a wrong type and out of the rules"
    )
    func together() async throws {
        try await TestCloud.with { cloud in
            let answer = try await cloud.create(
                #"{"hostName": "-", "image": 7, "region": "KGL-1", "publicKeys": ["ssh-foo A"], "tags": ["a b"]}"#
            )
            #expect(answer.status == 400)
            #expect(answer.code == "VALIDATION_ERROR")
            #expect(
                answer.fields.sorted() == ["hostName", "image", "publicKeys[0]", "specification", "tags[0]"])
            #expect(answer.json["message"]?.string?.isEmpty == false)
        }
    }
}

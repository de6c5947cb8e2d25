import CloudCore
import CloudTesting
import HTTPTypes
import Testing

@Suite("Idempotency of POST /computes")
struct IdempotencyTests {
    private static let replayed = HTTPField.Name("Idempotent-Replayed") ?? .accept

    @Test("a retry gets the first answer byte for byte, with 202 and the replay mark, and makes nothing")
    func retry() async throws {
        try await TestCloud.with { cloud in
            let key = TestCloud.newKey()
            let first = try await cloud.create(idempotencyKey: key)
            try await cloud.settle()
            cloud.clock.advance(milliseconds: 5000)
            let second = try await cloud.create(idempotencyKey: key.uppercased())
            #expect(first.headers[Self.replayed] == nil)
            #expect(second.status == 202)
            #expect(second.headers[Self.replayed] == "true")
            #expect(second.text == first.text)
            #expect(try await cloud.send(.get, "/computes").json["meta"]?["total"]?.number == 1)
        }
    }

    @Test("the order of members and white space don't make another request")
    func memberOrder() async throws {
        try await TestCloud.with { cloud in
            let key = TestCloud.newKey()
            let first = try await cloud.create(
                TestCloud.body(more: ", \"x\": {\"a\": 1, \"b\": 2}"), idempotencyKey: key)
            let members = TestCloud.body(more: ",\n\n\"x\":{\"b\":2,\"a\":1}")
            let moved = members.replacing("\"hostName\": \"my-server-01\", ", with: "")
                .replacing("}}", with: "},\t\"hostName\":\"my-server-01\"}")
            #expect(moved != members)
            #expect(try await cloud.create(moved, idempotencyKey: key).text == first.text)
        }
    }

    @Test("the same key with another body is 422, names the members that differ, and does nothing")
    func otherBody() async throws {
        try await TestCloud.with { cloud in
            let key = TestCloud.newKey()
            _ = try await cloud.create(idempotencyKey: key)
            let other = try await cloud.create(
                TestCloud.body(hostName: "\"other\"", more: ", \"withPublicIp\": false"), idempotencyKey: key)
            #expect(other.status == 422)
            #expect(other.code == "UNPROCESSABLE_ENTITY")
            #expect(other.fields == ["hostName", "withPublicIp"])
            #expect(try await cloud.send(.get, "/computes").json["meta"]?["total"]?.number == 1)
        }
    }

    @Test("50 requests at once with one key make one compute, and all get the same bytes")
    func concurrent() async throws {
        try await TestCloud.with { cloud in
            let key = TestCloud.newKey()
            let texts = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<50 { group.addTask { try await cloud.create(idempotencyKey: key).text } }
                return try await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
            #expect(texts.count == 1)
            #expect(try await cloud.send(.get, "/computes").json["meta"]?["total"]?.number == 1)
        }
    }

    @Test("a refused create does not consume the key")
    func refusedKeepsKey() async throws {
        try await TestCloud.with { cloud in
            let key = TestCloud.newKey()
            #expect(
                try await cloud.create(TestCloud.body(image: "\"NONE\""), idempotencyKey: key).status == 404)
            #expect(
                try await cloud.create(TestCloud.body(hostName: "\"\""), idempotencyKey: key).status == 400)
            let accepted = try await cloud.create(idempotencyKey: key)
            #expect(accepted.status == 202)
            #expect(accepted.headers[Self.replayed] == nil)
        }
    }

    @Test("a key belongs to the team: another key of the team replays, another team's create is its own")
    func scope() async throws {
        try await TestCloud.with { cloud in
            let key = TestCloud.newKey()
            let first = try await cloud.create(idempotencyKey: key, as: .of(.owner))
            #expect(try await cloud.create(idempotencyKey: key, as: .of(.admin)).text == first.text)
            let stranger = try await cloud.create(idempotencyKey: key, as: .stranger)
            #expect(stranger.status == 202)
            #expect(stranger.data?["id"] != first.data?["id"])
        }
    }

    @Test("a key outlives its compute")
    func afterDelete() async throws {
        try await TestCloud.with { cloud in
            let key = TestCloud.newKey()
            let first = try await cloud.create(idempotencyKey: key)
            _ = try await cloud.send(.delete, "/computes/\(first.data?["id"]?.string ?? "")")
            try await cloud.settle()
            #expect(try await cloud.create(idempotencyKey: key).text == first.text)
            #expect(try await cloud.send(.get, "/computes").json["meta"]?["total"]?.number == 0)
        }
    }
}

import CloudControl
import CloudCore
import CloudDatabase
import CloudTesting
import FoundationEssentials
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

    static let sameOrOther: [(String, String, status: Int, fields: [String])] = [
        (", \"tags\": [\"\\u0061\"]", ", \"tags\" : [ \"a\" ]", 202, []),
        (", \"userData\": \"#!\\/bin/sh\"", ", \"userData\": \"#!/bin/sh\"", 202, []),
        (", \"tags\": null", "", 202, []), ("", ", \"userData\": null", 202, []),
        (", \"tags\": [\"a\"]", ", \"tags\": [\"b\"]", 422, ["tags"]),
        (", \"tags\": [\"a\", \"b\"]", ", \"tags\": [\"b\", \"a\"]", 422, ["tags"]),
        (", \"userData\": \"#!/bin/sh\"", ", \"userData\": \"#!/bin/sh\\n\"", 422, ["userData"]),
        (
            ", \"withPublicIp\": false", ", \"deletionProtection\": false", 422,
            ["deletionProtection", "withPublicIp"]
        ),
        // What is ignored makes no difference.
        (", \"x\": 1", ", \"x\": \"1\"", 202, []), (", \"x\": null", "", 202, []),
        ("", ", \"y\": {}", 202, []),
        (", \"specificationId\": \"a\"", ", \"specificationId\": \"b\"", 202, []),
    ]

    @Test(
        "what JSON calls the same value is the same request, whatever its members are that mean nothing to us",
        arguments: sameOrOther)
    func sameValue(_ first: String, _ second: String, status: Int, fields: [String]) async throws {
        try await TestCloud.with { cloud in
            let key = TestCloud.newKey()
            #expect(try await cloud.create(TestCloud.body(more: first), idempotencyKey: key).status == 202)
            let answer = try await cloud.create(TestCloud.body(more: second), idempotencyKey: key)
            #expect(answer.status == status)
            #expect(answer.fields == fields)
        }
    }

    @Test("an update and an upsize are told from others by the members that they know")
    func changes() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            func send(_ path: String, _ key: String, _ body: String) async throws -> TestAnswer {
                try await cloud.send(
                    .patch, "/computes/\(id)\(path)", headers: ["Idempotency-Key": key], body: body)
            }
            let update = TestCloud.newKey()
            #expect(try await send("", update, #"{"hostName": "a", "image": "x"}"#).status == 200)
            #expect(try await send("", update, #"{"hostName": "a", "image": "y"}"#).isReplay)
            #expect(try await send("", update, #"{"hostName": "b"}"#).fields == ["hostName"])
            _ = try await cloud.act(.stop, on: id)
            try await cloud.settle()
            let upsize = TestCloud.newKey()
            #expect(try await send("/upsize", upsize, #"{"newSpecification": "S-2C-4G"}"#).status == 202)
            #expect(
                try await send("/upsize", upsize, #"{"newSpecification": "S-2C-4G", "hostName": "a"}"#)
                    .isReplay)
            #expect(
                try await send("/upsize", upsize, #"{"newSpecification": "S-4C-8G"}"#).fields
                    == ["newSpecification"])
        }
    }

    @Test("nothing of a body is kept with its key but digests, which are others for each key")
    func digests() async throws {
        try await TestCloud.with { cloud in
            let secret = "hunter2" + String(repeating: "x", count: 10_000)
            let body = TestCloud.body(
                more: ", \"userData\": \"#!/bin/sh \(secret)\", \"\(secret)\": \"\(secret)\"")
            for _ in 0..<2 { #expect(try await cloud.create(body).status == 202) }
            let kept = try await cloud.cloud.database.read { sql in
                try sql.query("SELECT request FROM idempotency_keys").map { try $0.text("request") }
            }
            #expect(kept.allSatisfy { $0.utf8.count < 500 && !$0.contains("hunter2") })
            let members = try kept.map {
                try JSONDecoder().decode([String: String].self, from: Data($0.utf8))
            }
            #expect(
                members[0].keys.sorted()
                    == ["hostName", "image", "publicKeys", "region", "specification", "userData"])
            #expect(Set(members.flatMap(\.values)).count == 12)
        }
    }

    @Test("a retry of an accepted create is replayed although the operator has become strict since")
    func strictSince() async throws {
        try await TestCloud.with { cloud in
            let key = TestCloud.newKey()
            let body = TestCloud.body(publicKeys: "[\"ssh-rsa AAAA...\"]")
            let first = try await cloud.create(body, idempotencyKey: key)
            #expect(first.status == 202)
            var strict = cloud.cloud
            strict.settings.strictKeys = true
            let members = [
                "hostName": "\"my-server-01\"", "image": "\"TINY-1\"", "region": "\"KGL-1\"",
                "specification": "\"S-1C-1G\"", "publicKeys": "[\"ssh-rsa AAAA...\"]",
            ]
            let request = CreateCompute(
                ComputeRequest(
                    hostName: "my-server-01", image: "TINY-1", region: "KGL-1", specification: "S-1C-1G",
                    publicKeys: ["ssh-rsa AAAA..."]),
                request: ChangeRequest(
                    endpoint: CreateCompute.endpoint, key: try IdempotencyKey(header: key), members: members,
                    caller: Caller(keyId: 1, teamId: 1, role: .owner), requestId: "r"),
                answer: { _, _ in "never" })
            let outcome = try await request.run(in: strict)
            #expect(outcome.replayed && outcome.answer == first.text)
        }
    }
}

import CloudControl
import CloudCore
import CloudDatabase
import CloudTesting
import HTTPTypes
import Testing

@Suite("POST /computes")
struct CreateComputeTests {
    @Test("the request of the documentation's page is accepted, with a warning for its shortened key")
    func page() async throws {
        try await TestCloud.with { cloud in
            let body = """
                {
                  "hostName": "my-server-01",
                  "image": "UBUNTU-24.04",
                  "publicKeys": ["ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC8Z5mS1x7I6n... user@host"],
                  "region": "KGL-1",
                  "specification": "S-1C-1G",
                  "tags": ["production", "web"],
                  "withPublicIp": true
                }
                """
            let answer = try await cloud.create(body)
            #expect(answer.status == 202)
            #expect(answer.data?["hostName"]?.string == "my-server-01")
            #expect(answer.data?["state"]?.string == "CREATING")
            #expect(answer.data?["image"]?.string == "UBUNTU-24.04")
            #expect(answer.data?["specification"]?.string == "S-1C-1G")
            #expect(answer.data?["region"]?.string == "KGL-1")
            #expect(answer.data?["ipv4"]?.string == "203.0.113.0")
            #expect(answer.data?["privateIpv4"]?.string == "10.0.0.5")
            #expect(answer.data?["tags"]?.array?.compactMap(\.string) == ["production", "web"])
            #expect(answer.data?["createdAt"]?.string == "2024-01-15T10:00:00Z")
            #expect(answer.json["success"]?.bool == true)
            #expect(answer.json["warnings"]?.array?.first?.string?.hasPrefix("publicKeys[0] ") == true)
            #expect(
                answer.headers[HTTPField.Name("X-Request-Id") ?? .accept] == answer.json["requestId"]?.string)
        }
    }

    @Test("the older dialect names the specification by its UUID")
    func olderDialect() async throws {
        try await TestCloud.with { cloud in
            let body = TestCloud.body()
                .replacing("\"specification\"", with: "\"specificationId\"")
                .replacing("S-1C-1G", with: "0B7A1F1E-5D0C-4F0E-9D7E-1B1F6F1C0001")
            let answer = try await cloud.create(body)
            #expect(answer.status == 202)
            #expect(answer.data?["specification"]?.string == "S-1C")
        }
    }

    @Test("unknown members are ignored")
    func unknownMember() async throws {
        try await TestCloud.with { cloud in
            let answer = try await cloud.create(TestCloud.body(more: ", \"colour\": {\"a\": [1]}"))
            #expect(answer.status == 202)
            #expect(answer.json["warnings"] == nil)
        }
    }

    @Test(
        "a member that looks misspelt is ignored too, and draws a warning",
        arguments: [
            ("userdata", "userData"), ("Tags", "tags"), ("public_keys", "publicKeys"),
            ("hostNames", "hostName"),
            ("withPublicIP", "withPublicIp"),
        ])
    func misspelt(_ name: String, meant: String) async throws {
        try await TestCloud.with { cloud in
            let body = TestCloud.body(more: ", \"\(name)\": {\"a\": [1]}, \"zebra\": 1")
            let warning = "'\(name)' is not a member, and was ignored. Did you mean \(meant)?"
            let made = try await cloud.create(body)
            #expect(made.status == 202)
            #expect(made.json["warnings"]?.array?.map(\.string) == [warning])
            let quote = try await cloud.send(
                .post, "/computes?dryRun=true", headers: ["Idempotency-Key": TestCloud.newKey()], body: body)
            #expect(quote.status == 200)
            #expect(quote.json["warnings"]?.array?.map(\.string) == [warning])
        }
    }

    @Test("of an update too, and of no more than are worth the time")
    func misspeltUpdate() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            let answer = try await cloud.send(
                .patch, "/computes/\(id)", body: #"{"tags": ["a"], "hostname": "b", "colour": 1}"#)
            #expect(answer.status == 200)
            #expect(answer.json["warnings"]?.array?.count == 1)
            let many = (100..<900).map { ", \"tags\($0)\": 1" }.joined()
            let made = try await cloud.create(TestCloud.body(more: many.replacing("tags1", with: "tagsX")))
            #expect((made.json["warnings"]?.array?.count ?? 0) <= 16)
        }
    }

    @Test(
        "a misspelt dryRun makes nothing, and a parameter that is nothing like it is ignored",
        arguments: ["dryrun", "dry_run", "dry-run", "DRYRUN", "drRun", "dryRunn"])
    func misspeltDryRun(_ name: String) async throws {
        try await TestCloud.with { cloud in
            let headers = ["Idempotency-Key": TestCloud.newKey()]
            for query in ["\(name)=true", "\(name)=false", "dryRun=true&\(name)=true"] {
                let refused = try await cloud.send(
                    .post, "/computes?\(query)", headers: headers, body: TestCloud.body())
                #expect(refused.status == 400)
                #expect(refused.fields == [name])
                #expect(refused.text.contains("Did you mean dryRun?"))
            }
            #expect(try await cloud.send(.get, "/computes").data?.array?.isEmpty == true)
            let made = try await cloud.send(
                .post, "/computes?trace=1&dry=true", headers: headers, body: TestCloud.body())
            #expect(made.status == 202)
        }
    }

    @Test("all problems of a request are reported together, each with its field")
    func allProblems() async throws {
        try await TestCloud.with { cloud in
            let answer = try await cloud.create(
                """
                {"hostName": "-bad-", "image": 7, "region": "KGL-1", "publicKeys": ["ssh-foo AAAA", 5, ""],
                 "tags": ["a", "a", "no spaces"], "withPublicIp": "yes"}
                """)
            #expect(answer.status == 400)
            #expect(answer.code == "VALIDATION_ERROR")
            #expect(
                Set(answer.fields) == [
                    "hostName", "image", "specification", "publicKeys[0]", "publicKeys[1]", "publicKeys[2]",
                    "tags[1]", "tags[2]",
                    "withPublicIp",
                ])
        }
    }

    static let invalid: [(String, code: String, fields: [String])] = [
        (TestCloud.body(hostName: "\"\""), "VALIDATION_ERROR", ["hostName"]),
        (TestCloud.body(hostName: "\"my server\""), "VALIDATION_ERROR", ["hostName"]),
        (TestCloud.body(hostName: "\"10.0.0.1\""), "VALIDATION_ERROR", ["hostName"]),
        (TestCloud.body(hostName: "null"), "VALIDATION_ERROR", ["hostName"]),
        (TestCloud.body(publicKeys: "[]"), "VALIDATION_ERROR", ["publicKeys"]),
        (TestCloud.body(publicKeys: "\"ssh-rsa\""), "VALIDATION_ERROR", ["publicKeys"]),
        (
            TestCloud.body(publicKeys: "[\"ssh-ed25519 AAAA\\nssh-rsa BBBB\"]"), "VALIDATION_ERROR",
            ["publicKeys[0]"]
        ),
        (TestCloud.body(more: ", \"tags\": [\"\"]"), "VALIDATION_ERROR", ["tags[0]"]),
        (TestCloud.body(more: ", \"withPublicIp\": 1"), "VALIDATION_ERROR", ["withPublicIp"]),
        (TestCloud.body(image: "\"WINDOWS\""), "RESOURCE_NOT_FOUND", ["image"]),
        (
            TestCloud.body(image: "\"X\"", region: "\"LOS-1\"", specification: "\"S-9\""),
            "RESOURCE_NOT_FOUND",
            ["region", "image", "specification"]
        ),
        ("{", "MALFORMED_JSON", []),
        ("[1]", "VALIDATION_ERROR", []),
        ("\u{feff}", "MALFORMED_JSON", []),
    ]

    @Test("a bad body names its fields and makes nothing", arguments: invalid)
    func badBody(_ body: String, code: String, fields: [String]) async throws {
        try await TestCloud.with { cloud in
            let answer = try await cloud.create(body)
            #expect(answer.code == code)
            #expect(answer.fields == fields)
            #expect(try await cloud.send(.get, "/computes").json["meta"]?["total"]?.number == 0)
        }
    }

    @Test(
        "a missing or malformed Idempotency-Key is refused",
        arguments: [
            nil, "", "abc", "f47ac10b-58cc-1372-a567-0e02b2c3d479", "f47ac10b-58cc-4372-c567-0e02b2c3d479",
        ])
    func badIdempotencyKey(_ key: String?) async throws {
        try await TestCloud.with { cloud in
            let headers = key.map { ["Idempotency-Key": $0] } ?? [:]
            let answer = try await cloud.send(.post, "/computes", headers: headers, body: TestCloud.body())
            #expect(answer.status == 400)
            #expect(answer.code == "INVALID_IDEMPOTENCY_KEY")
        }
    }

    @Test("a body that is not declared as JSON is 415, one that is too large 413")
    func mediaTypeAndSize() async throws {
        try await TestCloud.with { cloud in
            let key = ["Idempotency-Key": TestCloud.newKey()]
            let text = try await cloud.send(
                .post, "/computes", headers: key.merging(["Content-Type": "text/plain"]) { $1 },
                body: TestCloud.body())
            #expect(text.code == "UNSUPPORTED_MEDIA_TYPE")
            let large = try await cloud.send(
                .post, "/computes", headers: key,
                body: TestCloud.body(more: ", \"x\": \"\(String(repeating: "a", count: 65536))\""))
            #expect(large.code == "PAYLOAD_TOO_LARGE")
        }
    }

    @Test(
        "when the public addresses are used up the create is refused, and one that is given back is used again"
    )
    func publicAddresses() async throws {
        try await TestCloud.with { cloud in
            let body = TestCloud.body(more: ", \"withPublicIp\": true")
            var ids: [String] = []
            for address in ["203.0.113.0", "203.0.113.1", "198.51.100.7"] {
                let answer = try await cloud.create(body)
                #expect(answer.data?["ipv4"]?.string == address)
                ids.append(answer.data?["id"]?.string ?? "")
            }
            let refused = try await cloud.create(body)
            #expect(refused.status == 422)
            #expect(refused.fields == ["withPublicIp"])

            _ = try await cloud.send(.delete, "/computes/\(ids[1])")
            #expect(try await cloud.create(body).status == 422, "not before the machine is gone")
            try await cloud.settle()
            #expect(try await cloud.create(body).data?["ipv4"]?.string == "203.0.113.1")
        }
    }

    @Test("a host that is full refuses with the reasons")
    func capacity() async throws {
        try await TestCloud.with(capacity: Capacity(vcpus: 8, memoryMb: 2000)) { cloud in
            #expect(try await cloud.create().status == 202)
            let refused = try await cloud.create()
            #expect(refused.status == 422)
            #expect(
                refused.json["message"]?.string?.contains("RAM: 1024 MB needed, 976 of 2000 MB free") == true)
        }
    }

    @Test("without a network of its own the host says where SSH leads, and that there is no public address")
    func userMode() async throws {
        try await TestCloud.with(settings: .userMode) { cloud in
            let answer = try await cloud.create(TestCloud.body(more: ", \"withPublicIp\": true"))
            #expect(answer.data?["sshEndpoint"]?.string == "127.0.0.1:22001")
            #expect(answer.data?["ipv4"] == nil)
            #expect(answer.json["warnings"]?.array?.count == 1)
            #expect(try await cloud.create().data?["sshEndpoint"]?.string == "127.0.0.1:22002")
            #expect(try await cloud.create().status == 422)
        }
    }
}

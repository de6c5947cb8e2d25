import CloudControl
import CloudCore
import CloudTesting
import FoundationEssentials
import HTTPTypes
import Testing

/// The API reference, "Endpoints", "Create request", "Compute object" and "Envelopes", fact by fact. Idempotency, the
/// states, roles and the edges have suites of their own.
@Suite("The API reference on requests and answers")
struct ContractSentences {
    // MARK: Endpoints

    /// Method, path and status of success.
    static let endpoints: [(HTTPRequest.Method, String, status: Int)] = [
        (.post, "/computes", 202), (.get, "/computes", 200), (.get, "/computes/{id}", 200),
        (.delete, "/computes/{id}", 202), (.get, "/computes/specifications", 200), (.get, "/images", 200),
        (.get, "/regions", 200), (.get, "/health", 200),
    ]

    @Test("each endpoint below /api/v1 succeeds with its one status, in JSON", arguments: endpoints)
    func endpoint(_ method: HTTPRequest.Method, _ path: String, status: Int) async throws {
        try await TestCloud.with { cloud in
            let path = path.replacing("{id}", with: try await cloud.createAndSettle())
            let answer =
                method == .post ? try await cloud.create() : try await cloud.send(method, path)
            #expect(answer.status == status)
            #expect(answer.headers[.contentType] == "application/json; charset=utf-8")
        }
    }

    @Test("health is looked at without a key, everything else with one", arguments: endpoints)
    func keyNeeded(_ method: HTTPRequest.Method, _ path: String, status: Int) async throws {
        try await TestCloud.with { cloud in
            let answer = try await cloud.send(method, path.replacing("{id}", with: "1"), as: .none)
            #expect(answer.status == (path == "/health" ? 200 : 401))
        }
    }

    @Test("create and delete answer with the compute as it is then, and the work goes on behind")
    func behind() async throws {
        try await TestCloud.with { cloud in
            let created = try await cloud.create()
            let id = created.data?["id"]?.string ?? ""
            #expect(created.data?["state"]?.string == "CREATING")
            #expect(try await cloud.state(id) == "CREATING")
            try await cloud.settle()
            #expect(try await cloud.state(id) == "RUNNING")
            let deleted = try await cloud.send(.delete, "/computes/\(id)")
            #expect(deleted.data?["id"]?.string == id)
            #expect(deleted.data?["state"]?.string == "DESTROYING")
            try await cloud.settle()
            #expect(try await cloud.state(id) == nil)
        }
    }

    // MARK: Create request

    static let members: [(String, isRequired: Bool)] = [
        ("hostName", true), ("image", true), ("region", true), ("specification", true), ("publicKeys", true),
        ("tags", false), ("withPublicIp", false),
    ]

    @Test("five members are required and two are not", arguments: members)
    func required(_ name: String, isRequired: Bool) async throws {
        try await TestCloud.with { cloud in
            var body = CreateBody.members
            body[name] = nil
            let answer = try await cloud.create(CreateBody.text(body))
            #expect(answer.status == (isRequired ? 400 : 202))
            #expect(answer.fields == (isRequired ? [name] : []))
        }
    }

    @Test("a member of another type is refused by its name", arguments: members)
    func types(_ name: String, isRequired: Bool) async throws {
        try await TestCloud.with { cloud in
            for value in ["7", "{}"] {
                var body = CreateBody.members
                body[name] = value
                let answer = try await cloud.create(CreateBody.text(body))
                #expect(answer.code == "VALIDATION_ERROR")
                #expect(answer.fields == [name])
            }
        }
    }

    @Test("without withPublicIp a compute has a private address alone, and no tags if none were sent")
    func defaults() async throws {
        try await TestCloud.with { cloud in
            let data = try await cloud.create().data
            #expect(data?["ipv4"] == nil)
            #expect(data?["privateIpv4"]?.string == "10.0.0.5")
            #expect(data?["tags"]?.array?.isEmpty == true)
        }
    }

    @Test("the scheme of the Authorization header is Bearer, in upper or lower case")
    func scheme() async throws {
        try await TestCloud.with { cloud in
            let key = cloud.keys[.owner] ?? ""
            for (header, status) in [
                ("Bearer \(key)", 200), ("bearer \(key)", 200), ("Basic \(key)", 401), (key, 401), ("", 401),
            ] {
                let answer = try await cloud.send(.get, "/regions", as: .raw(header))
                #expect(answer.status == status)
            }
        }
    }

    @Test(
        "a create without a Content-Type, or with another than JSON, is refused",
        arguments: ["", "text/json"])
    func contentType(_ type: String) async throws {
        try await TestCloud.with { cloud in
            var fields = cloud.createFields()
            fields[.contentType] = type.isEmpty ? nil : type
            let body = Array(TestCloud.body().utf8)
            let answer = try await cloud.sendRaw(.post, "/api/v1/computes", fields, body: body)
            #expect(answer.code == "UNSUPPORTED_MEDIA_TYPE")
        }
    }

    @Test(
        "a slug in the member of the older dialect is understood too, and so is a UUID in that of the newer")
    func dialects() async throws {
        try await TestCloud.with { cloud in
            let older = TestCloud.body().replacing("\"specification\"", with: "\"specificationId\"")
            #expect(try await cloud.create(older).data?["specification"]?.string == "S-1C-1G")
            let newer = TestCloud.body(specification: "\"0b7a1f1e-5d0c-4f0e-9d7e-1b1f6f1c0001\"")
            let answer = try await cloud.create(newer)
            #expect(answer.data?["specification"]?.string == "S-1C")
            #expect(answer.data?["specificationId"] == nil)
        }
    }

    // MARK: Compute object

    @Test("a compute has these members and no others: an id in decimal, and times in UTC")
    func compute() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle(TestCloud.body(more: ", \"withPublicIp\": true"))
            cloud.clock.advance(milliseconds: 61_999)
            let data = try await cloud.send(.get, "/computes/\(id)").data
            #expect(
                Set(data?.object?.keys.map(\.self) ?? []) == [
                    "id", "hostName", "state", "image", "specification", "region", "ipv4", "privateIpv4",
                    "tags", "createdAt", "updatedAt",
                    // Ours:
                    "deletionProtection",
                ])
            #expect(data?["id"]?.string == "1")
            #expect(data?["createdAt"]?.string == "2024-01-15T10:00:00Z")
        }
    }

    // MARK: Envelopes

    @Test(
        "a success says so, with a sentence, the data, a request id and the time; a list also where its page lies"
    )
    func success() async throws {
        try await TestCloud.with { cloud in
            let common: Set = ["success", "message", "data", "requestId", "timestamp"]
            let lists = ["/computes", "/computes/specifications"]
            for path in ["/computes/\(try await cloud.createAndSettle())", "/images", "/regions", "/health"]
                + lists
            {
                let answer = try await cloud.send(.get, path)
                let expected = lists.contains(path) ? common.union(["meta"]) : common
                #expect(Set(answer.json.object?.keys.map(\.self) ?? []) == expected, "\(path)")
                #expect(answer.json["success"]?.bool == true)
                #expect(UUID(uuidString: answer.json["requestId"]?.string ?? "") != nil)
                #expect(answer.json["timestamp"]?.string == "2024-01-15T10:00:00Z")
            }
        }
    }

    @Test("a refusal says so, with a code, a sentence, a request id and the time")
    func refusal() async throws {
        try await TestCloud.with { cloud in
            let answer = try await cloud.send(.get, "/images", as: .none)
            #expect(
                Set(answer.json.object?.keys.map(\.self) ?? []) == [
                    "success", "code", "message", "requestId", "timestamp",
                ])
            #expect(answer.json["success"]?.bool == false)
        }
    }

    @Test("every answer has another request id")
    func requestIds() async throws {
        try await TestCloud.with { cloud in
            var ids: Set<String> = []
            for _ in 0..<5 {
                ids.insert(try await cloud.send(.get, "/regions").json["requestId"]?.string ?? "")
            }
            #expect(ids.count == 5)
        }
    }

    @Test(
        "a page is the first of 20 unless asked otherwise, and has at most 100",
        arguments: [
            ("", 1, 20), ("?limit=100", 1, 100), ("?page=2", 2, 20), ("?page=1000000&limit=1", 1_000_000, 1),
        ])
    func pagination(_ query: String, page: Double, limit: Double) async throws {
        try await TestCloud.with { cloud in
            for path in ["/computes", "/computes/specifications"] {
                let meta = try await cloud.send(.get, path + query).json["meta"]
                #expect(meta?["page"]?.number == page)
                #expect(meta?["limit"]?.number == limit)
                #expect(meta?["total"]?.number == (path == "/computes" ? 0 : 3))
                #expect(try await cloud.send(.get, path + "?limit=101").code == "BAD_REQUEST")
            }
        }
    }
}

/// The members of a create as JSON texts, to be left out or replaced one by one.
private enum CreateBody {
    static let members: [String: String] = [
        "hostName": "\"my-server-01\"", "image": "\"TINY-1\"", "region": "\"KGL-1\"",
        "specification": "\"S-1C\"", "publicKeys": "[\"\(TestCloud.publicKey)\"]", "tags": "[\"web\"]",
        "withPublicIp": "true",
    ]

    static func text(_ members: [String: String]) -> String {
        "{" + members.map { "\"\($0)\": \($1)" }.joined(separator: ", ") + "}"
    }
}

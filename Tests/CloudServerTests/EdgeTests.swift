import CloudControl
import CloudCore
import CloudTesting
import CloudWire
import HTTPTypes
import Testing

@Suite("Requests at the edges of HTTP and JSON")
struct EdgeTests {
    /// A body for the edges: the usual members and one more.
    private static func bytes(_ more: String) -> [UInt8] { Array(TestCloud.body(more: more).utf8) }

    private static func nested(_ depth: Int) -> String {
        ", \"x\": " + String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }

    static let bodies: [(name: String, bytes: [UInt8], status: Int, code: String?)] = [
        ("nothing", [], 400, "MALFORMED_JSON"),
        ("a text", Array("\"a\"".utf8), 400, "VALIDATION_ERROR"),
        ("null", Array("null".utf8), 400, "VALIDATION_ERROR"),
        ("two objects", Array("{}{}".utf8), 400, "MALFORMED_JSON"),
        ("a trailing comma", Array(TestCloud.body(more: ",").utf8), 400, "MALFORMED_JSON"),
        ("a comment", Array("{} // a".utf8), 400, "MALFORMED_JSON"),
        ("a lone surrogate", bytes(", \"x\": \"\\ud800\""), 400, "MALFORMED_JSON"),
        ("a number that no double holds", bytes(", \"x\": 1e999"), 400, "MALFORMED_JSON"),
        ("a number of 40 digits", bytes(", \"x\": 1234567890123456789012345678901234567890"), 202, nil),
        ("100 arrays in each other", bytes(nested(100)), 202, nil),
        ("20,000 arrays in each other", bytes(nested(20_000)), 400, "MALFORMED_JSON"),
        ("a NUL in an unknown member", bytes(", \"x\": \"\\u0000\""), 202, nil),
        ("a byte order mark before it", [0xEF, 0xBB, 0xBF] + bytes(""), 202, nil),
        ("two byte order marks", [0xEF, 0xBB, 0xBF, 0xEF, 0xBB, 0xBF] + bytes(""), 400, "MALFORMED_JSON"),
        ("a byte order mark behind it", bytes("") + [0xEF, 0xBB, 0xBF], 400, "MALFORMED_JSON"),
        ("a byte order mark of UTF-16", [0xFF, 0xFE] + bytes(""), 400, "MALFORMED_JSON"),
        ("a byte order mark alone", [0xEF, 0xBB, 0xBF], 400, "MALFORMED_JSON"),
        ("a NUL in a name", Array(TestCloud.body(hostName: "\"a\\u0000b\"").utf8), 400, "VALIDATION_ERROR"),
        (
            "a NUL in a slug", Array(TestCloud.body(image: "\"TINY-1\\u0000\"").utf8), 404,
            "RESOURCE_NOT_FOUND"
        ),
        (
            "UTF-8 that is none", bytes(", \"x\": \"") + [0xFF, 0xFE] + Array("\"".utf8), 400,
            "MALFORMED_JSON"
        ),
    ]

    @Test("odd bodies are answered in the envelope, never with a 5xx", arguments: bodies)
    func oddBody(_ name: String, bytes: [UInt8], status: Int, code: String?) async throws {
        try await TestCloud.with { cloud in
            let answer = try await cloud.sendRaw(
                .post, "/api/v1/computes", cloud.createFields(), body: bytes)
            #expect(answer.status == status, "\(name): \(answer.text)")
            #expect(answer.code == code, "\(name)")
            #expect(answer.json["requestId"]?.string != nil, "\(name)")
        }
    }

    @Test("null for a member that need not be there is as if it were not")
    func optionalNull() async throws {
        try await TestCloud.with { cloud in
            let names = ["tags", "withPublicIp", "userData", "deletionProtection", "specificationId"]
            let nulls = names.map { ", \"\($0)\": null" }.joined()
            let created = try await cloud.create(TestCloud.body(more: nulls))
            #expect(created.status == 202, "\(created.text)")
            let plain = try await cloud.create(TestCloud.body())
            for name in ["tags", "deletionProtection", "specification"] {
                #expect(created.data?[name] == plain.data?[name], "\(name)")
            }
            let older = TestCloud.body(specification: "null", more: ", \"specificationId\": \"S-1C\"")
            #expect(try await cloud.create(older).data?["specification"]?.string == "S-1C")
            let id = try await cloud.createAndSettle()
            let update = try await cloud.send(
                .patch, "/computes/\(id)",
                body: #"{"hostName": null, "tags": ["a"], "deletionProtection": null}"#)
            #expect(update.status == 200 && update.data?["tags"] == .array([.string("a")]))
            let nothing = try await cloud.send(.patch, "/computes/\(id)", body: #"{"hostName": null}"#)
            let empty = try await cloud.send(.patch, "/computes/\(id)", body: "{}")
            #expect(nothing.status == 400 && nothing.fields == empty.fields)
            _ = try await cloud.send(.post, "/computes/\(id)/stop")
            try await cloud.settle()
            let upsize = try await cloud.send(
                .patch, "/computes/\(id)/upsize",
                body: #"{"newSpecification": null, "newSpecificationId": "S-2C-4G"}"#)
            #expect(upsize.status == 202, "\(upsize.text)")
        }
    }

    static let nulls = [
        ("hostName", TestCloud.body(hostName: "null")), ("image", TestCloud.body(image: "null")),
        ("region", TestCloud.body(region: "null")), ("specification", TestCloud.body(specification: "null")),
        ("publicKeys", TestCloud.body(publicKeys: "null")),
        ("publicKeys[0]", TestCloud.body(publicKeys: "[null]")),
        ("tags[1]", TestCloud.body(more: ", \"tags\": [\"a\", null]")),
    ]

    @Test(
        "null for a member that must be there, or within a list, is a problem of that member",
        arguments: nulls)
    func requiredNull(_ field: String, body: String) async throws {
        try await TestCloud.with { cloud in
            let answer = try await cloud.create(body)
            #expect(answer.status == 400 && answer.fields == [field], "\(answer.text)")
            #expect(answer.text.contains("is null"))
        }
    }

    @Test("a member that is there twice is refused by its name, since either could be meant")
    func twiceTheMember() async throws {
        try await TestCloud.with { cloud in
            let answer = try await cloud.sendRaw(
                .post, "/api/v1/computes", cloud.createFields(), body: Self.bytes(", \"hostName\": \"other\"")
            )
            #expect(answer.code == "MALFORMED_JSON")
            #expect(answer.json["message"]?.string?.contains("'hostName' is there twice") == true)
        }
    }

    @Test(
        "a Content-Type may carry parameters and spaces",
        arguments: [
            "application/json; charset=utf-8", "application/json ; charset=utf-8", "Application/JSON",
            "application/json;charset=UTF-8",
        ])
    func contentType(_ type: String) async throws {
        try await TestCloud.with { cloud in
            var fields = cloud.createFields()
            fields[.contentType] = type
            let answer = try await cloud.sendRaw(.post, "/api/v1/computes", fields, body: Self.bytes(""))
            #expect(answer.status == 202)
        }
    }

    @Test("two Idempotency-Key fields are refused, since the server can't know which one is meant")
    func twoKeys() async throws {
        try await TestCloud.with { cloud in
            var fields = cloud.createFields()
            if let name = HTTPField.Name("Idempotency-Key") {
                fields.append(HTTPField(name: name, value: TestCloud.newKey()))
            }
            let answer = try await cloud.sendRaw(.post, "/api/v1/computes", fields, body: Self.bytes(""))
            #expect(answer.code == "INVALID_IDEMPOTENCY_KEY")
        }
    }

    @Test("a long Idempotency-Key is not repeated whole in the answer")
    func longKey() async throws {
        try await TestCloud.with { cloud in
            let fields = cloud.createFields(idempotencyKey: String(repeating: "a", count: 10_000))
            let answer = try await cloud.sendRaw(.post, "/api/v1/computes", fields, body: Self.bytes(""))
            #expect(answer.code == "INVALID_IDEMPOTENCY_KEY")
            #expect(answer.text.utf8.count < 1000)
        }
    }

    @Test("a wrong type is reported once for each element, and for a bounded number of them")
    func problemsOnce() async throws {
        try await TestCloud.with { cloud in
            let one = try await cloud.create(TestCloud.body(publicKeys: "[7]"))
            #expect(one.fields == ["publicKeys[0]"])
            let many = "[" + Array(repeating: "1", count: 10_000).joined(separator: ",") + "]"
            let answer = try await cloud.create(TestCloud.body(publicKeys: many, more: ", \"tags\": \(many)"))
            #expect(answer.code == "VALIDATION_ERROR")
            #expect(answer.fields.contains("publicKeys") && answer.fields.contains("tags"))
            #expect(answer.fields.count <= 66)
        }
    }

    static let paths: [(String, Int)] = [
        ("/api/v1/computes/", 200), ("/api/v1//computes", 200), ("/api/v1/computes?", 200),
        ("/api/v1/computes?page=1&unknown=1", 200), ("/api/v1/Computes", 404), ("/api/v1", 404), ("/", 404),
        ("/api/v1/computes/1/", 404), ("/api/v1/computes/%00", 400), ("/api/v1/computes/1%2F2", 400),
        ("/api/v1/computes/../health", 404), ("/api/v1/computes?page", 400),
        ("/api/v1/computes?page=%31", 200),
    ]

    @Test("paths and queries at the edges are answered in the envelope", arguments: paths)
    func oddPath(_ target: String, status: Int) async throws {
        try await TestCloud.with { cloud in
            let answer = try await cloud.sendRaw(.get, target, cloud.createFields())
            #expect(answer.status == status, "\(target): \(answer.text)")
            #expect(answer.json["requestId"]?.string != nil)
        }
    }

    @Test("HEAD is answered as GET is, without a body, whatever the status")
    func head() async throws {
        try await TestCloud.with { cloud in
            for (target, status) in [
                ("/api/v1/health", 200), ("/api/v1/computes", 200), ("/api/v1/computes/7", 404),
                ("/api/v1/nothing", 404),
            ] {
                let answer = try await cloud.sendRaw(.head, target, cloud.createFields())
                #expect(answer.status == status, "\(target)")
                #expect(answer.text.isEmpty, "\(target)")
            }
            let noKey = try await cloud.sendRaw(.head, "/api/v1/computes")
            #expect(noKey.status == 401)
            #expect(noKey.text.isEmpty)
        }
    }

    @Test("405 names each method that the path takes once, and no other")
    func allow() async throws {
        try await TestCloud.with { cloud in
            for (method, path, allow) in [
                (HTTPRequest.Method.delete, "/api/v1/computes/specifications", "GET"),
                (.options, "/api/v1/computes", "POST, GET"), (.post, "/api/v1/health", "GET"),
                (.post, "/api/v1/computes/1", "GET, PATCH, DELETE"),
                (.get, "/api/v1/computes/1/start", "POST"),
            ] {
                let answer = try await cloud.sendRaw(method, path, cloud.createFields())
                #expect(answer.status == 405, "\(method) \(path)")
                #expect(answer.headers[.allow] == allow, "\(method) \(path)")
            }
        }
    }

    @Test("a database that can't work now is 503 with Retry-After, and says nothing of its inside")
    func unavailable() async throws {
        try await TestCloud.with { cloud in
            cloud.database.set(
                writeFault: CloudError(
                    .serviceUnavailable, "The database can't be written now.",
                    detail: "SQLITE_FULL at /secret"))
            let answer = try await cloud.create()
            #expect(answer.status == 503)
            #expect(answer.headers[.retryAfter] == "1")
            #expect(!answer.text.contains("secret"))
            cloud.database.set()
            #expect(try await cloud.create().status == 202)
        }
    }

    @Test("an error that nobody foresaw is 500 and says nothing of its inside")
    func unforeseen() async throws {
        struct Secret: Error { var inside = "/secret/path" }
        try await TestCloud.with { cloud in
            cloud.database.set(readFault: Secret())
            let answer = try await cloud.send(.get, "/computes")
            #expect(answer.status == 500)
            #expect(answer.code == "INTERNAL_SERVER_ERROR")
            #expect(!answer.text.contains("secret"))
        }
    }

    @Test("a request that is given up at a shutdown is 503, not a bug")
    func cancelled() async throws {
        try await TestCloud.with { cloud in
            cloud.database.set(readFault: CancellationError())
            let answer = try await cloud.send(.get, "/computes")
            #expect(answer.status == 503)
        }
    }
}

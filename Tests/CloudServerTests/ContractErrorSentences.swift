import CloudControl
import CloudCore
import CloudTesting
import HTTPTypes
import Testing

@testable import CloudServer

/// The API reference, "Error codes", and what is done where the documentation is silent, fact by fact.
@Suite("The API reference on refusals")
struct ContractErrorSentences {
    static let statuses: [(String, Int)] = [
        ("BAD_REQUEST", 400), ("VALIDATION_ERROR", 400), ("MALFORMED_JSON", 400),
        ("INVALID_IDEMPOTENCY_KEY", 400),
        ("COMPUTE_RUNNING", 400), ("UNAUTHORIZED", 401), ("FORBIDDEN", 403), ("INSUFFICIENT_BALANCE", 403),
        ("TEAM_SUSPENDED", 403), ("TEAM_PAST_DUE", 403), ("TEAM_TERMINATED", 403),
        ("RESOURCE_NOT_FOUND", 404),
        ("CONFLICT", 409), ("UNPROCESSABLE_ENTITY", 422), ("TOO_MANY_REQUESTS", 429),
        ("INTERNAL_SERVER_ERROR", 500),
    ]

    @Test("each code has its one status", arguments: statuses)
    func status(_ code: String, status: Int) {
        #expect(ErrorCode(rawValue: code).map { Int($0.status.code) } == status)
    }

    static let refusals: [(String, HTTPRequest.Method, String, role: Role?, body: String?)] = [
        ("BAD_REQUEST", .get, "/computes?page=0", .owner, nil),
        ("BAD_REQUEST", .get, "/computes/abc", .owner, nil),
        ("VALIDATION_ERROR", .post, "/computes", .owner, "{}"),
        ("VALIDATION_ERROR", .post, "/computes", .owner, "[]"),
        ("MALFORMED_JSON", .post, "/computes", .owner, "{"),
        ("UNAUTHORIZED", .get, "/computes", nil, nil),
        ("FORBIDDEN", .post, "/computes", .member, TestCloud.body()),
        ("RESOURCE_NOT_FOUND", .post, "/computes", .owner, TestCloud.body(image: "\"X\"")),
        ("RESOURCE_NOT_FOUND", .post, "/computes", .owner, TestCloud.body(region: "\"X\"")),
        ("RESOURCE_NOT_FOUND", .post, "/computes", .owner, TestCloud.body(specification: "\"X\"")),
        ("RESOURCE_NOT_FOUND", .get, "/computes/325", .owner, nil),
        ("RESOURCE_NOT_FOUND", .delete, "/computes/325", .owner, nil),
    ]

    @Test("a request is refused with the code that the table has for it", arguments: refusals)
    func refusal(
        _ code: String, _ method: HTTPRequest.Method, _ path: String, role: Role?, body: String?
    ) async throws {
        try await TestCloud.with { cloud in
            let answer = try await cloud.send(
                method, path, as: role.map { .of($0) } ?? .none,
                headers: body == nil ? [:] : ["Idempotency-Key": TestCloud.newKey()], body: body)
            #expect(answer.code == code)
            #expect(answer.json["success"]?.bool == false)
        }
    }

    @Test("FORBIDDEN goes to a Member who changes anything, and changes nothing")
    func memberChangesNothing() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            #expect(try await cloud.send(.delete, "/computes/\(id)", as: .of(.member)).code == "FORBIDDEN")
            #expect(try await cloud.state(id) == "RUNNING")
        }
    }

    @Test("a strict operator refuses a key that is cut short, which a lenient one accepts with a warning")
    func strictKeys() async throws {
        let body = TestCloud.body(publicKeys: "[\"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC8Z5... user@host\"]")
        var strict = CloudSettings.test
        strict.strictKeys = true
        try await TestCloud.with(settings: strict) { cloud in
            let answer = try await cloud.create(body)
            #expect(answer.code == "VALIDATION_ERROR")
            #expect(answer.fields == ["publicKeys[0]"])
        }
        try await TestCloud.with { cloud in
            let answer = try await cloud.create(body)
            #expect(answer.status == 202)
            #expect(answer.json["warnings"]?.array?.count == 1)
        }
    }

    @Test(
        "an unknown type of key and a line break are refused whatever the operator chose",
        arguments: [
            "ssh-foo AAAA", "ssh-rsa AAAA\\nssh-rsa AAAA",
        ])
    func badKeys(_ key: String) async throws {
        try await TestCloud.with { cloud in
            let answer = try await cloud.create(TestCloud.body(publicKeys: "[\"\(key)\"]"))
            #expect(answer.code == "VALIDATION_ERROR")
            #expect(answer.fields == ["publicKeys[0]"])
        }
    }

    @Test("a refusal of the body names each member at fault beside code and message")
    func problems() async throws {
        try await TestCloud.with { cloud in
            let answer = try await cloud.create(TestCloud.body(hostName: "\"-\"", image: "7"))
            #expect(answer.fields.sorted() == ["hostName", "image"])
            for problem in answer.json["errors"]?.array ?? [] {
                #expect(Set(problem.object?.keys.map(\.self) ?? []) == ["field", "message"])
            }
        }
    }

    @Test("another team's compute is not found, never forbidden, and not in the list")
    func otherTeams() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            for method in [HTTPRequest.Method.get, .delete] {
                let theirs = try await cloud.send(method, "/computes/\(id)", as: .stranger)
                let nobodys = try await cloud.send(method, "/computes/99", as: .stranger)
                #expect(theirs.status == 404 && nobodys.status == 404)
                #expect(
                    theirs.json["message"]?.string?.replacing("\(id)", with: "99")
                        == nobodys.json["message"]?.string)
            }
            #expect(
                try await cloud.send(.get, "/computes", as: .stranger).json["meta"]?["total"]?.number == 0)
            #expect(try await cloud.state(id) == "RUNNING")
        }
    }
}

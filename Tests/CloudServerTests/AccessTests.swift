import CloudControl
import CloudCore
import CloudDatabase
import CloudServer
import CloudTesting
import HTTPTypes
import Testing

@Suite("Access to every endpoint")
struct AccessTests {
    @Test("the server has exactly the endpoints of the OpenAPI document")
    func sameEndpoints() async throws {
        let document = try OpenAPIDocument(parsing: OpenAPI.document)
        try await TestCloud.with { cloud in
            let served = CloudServer.endpoints(cloud.cloud).map { "\($0.method) \($0.path)" }
            #expect(Set(served) == Set(document.operations.map { "\($0.method.uppercased()) \($0.path)" }))
            #expect(served.count == Set(served).count)
        }
    }

    static let malformed = [
        "Bearer", "Basic abc", "Bearer strettch_0000", "Bearer \(String(repeating: "a", count: 300))",
    ]

    @Test("an Authorization header that is no valid key is 401 with the way in", arguments: malformed)
    func unauthorized(_ header: String) async throws {
        try await TestCloud.with { cloud in
            let answer = try await cloud.send(.get, "/images", as: .raw(header))
            #expect(answer.code == "UNAUTHORIZED")
            #expect(answer.headers[.wwwAuthenticate] == "Bearer")
        }
    }

    @Test("a Member may look but not change", arguments: Role.allCases)
    func roles(_ role: Role) async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            let change = role == .member ? 403 : 202
            #expect(try await cloud.create(as: .of(role)).status == change)
            #expect(try await cloud.send(.get, "/computes", as: .of(role)).status == 200)
            #expect(try await cloud.send(.get, "/computes/\(id)", as: .of(role)).status == 200)
            #expect(try await cloud.send(.delete, "/computes/\(id)", as: .of(role)).status == change)
        }
    }

    @Test("keys are not in the database")
    func hashedAtRest() async throws {
        try await TestCloud.with { cloud in
            let rows = try await cloud.cloud.database.read { sql in try sql.query("SELECT * FROM api_keys") }
            let key = cloud.keys[.owner] ?? "none"
            #expect(rows.count == 4)
            #expect(key.hasPrefix("strettch_") && key.count == 57)
            #expect(!rows.map { "\($0.values)" }.joined().contains(key.dropFirst(9)))
        }
    }

    @Test("an unknown path is 404, an undeclared method 405 with Allow, both in the envelope")
    func unknown() async throws {
        try await TestCloud.with { cloud in
            #expect(try await cloud.send(.get, "/nothing").code == "RESOURCE_NOT_FOUND")
            let put = try await cloud.send(.put, "/computes")
            #expect(put.code == "METHOD_NOT_ALLOWED")
            #expect(put.headers[.allow] == "POST, GET")
            #expect(try await cloud.send(.post, "/computes/1").headers[.allow] == "GET, PATCH, DELETE")
        }
    }

    @Test("the catalogue lists regions, images and, in pages, specifications")
    func catalogue() async throws {
        try await TestCloud.with { cloud in
            #expect(try await cloud.send(.get, "/regions").data?.array?.first?["name"]?.string == "Kigali-1")
            #expect(try await cloud.send(.get, "/images").data?.array?.count == 2)
            let page = try await cloud.send(.get, "/computes/specifications?limit=1&page=2")
            #expect(page.data?.array?.map { $0["specification"]?.string } == ["S-1C-1G"])
            #expect(page.json["meta"]?["total"]?.number == 3)
        }
    }

    @Test("health answers for the database, without a key")
    func health() async throws {
        try await TestCloud.with { cloud in
            let answer = try await cloud.send(.get, "/health", as: .none)
            #expect(answer.data?["status"]?.string == "ok")
            #expect(answer.data?["checks"]?["database"]?.string == "ok")
        }
    }
}

import CloudControl
import CloudCore
import CloudServer
import CloudTesting
import HTTPTypes
import Testing

/// What each endpoint answers to each credential. A new endpoint goes into the table.
@Suite("Every endpoint with every credential")
struct CredentialTableTests {
    /// Who asks, all of them for a compute and a key of `TestCloud`'s team.
    enum Credential: CaseIterable {
        case none, malformed, unknown, revoked, member, admin, owner, stranger
    }

    /// The statuses of one endpoint.
    struct Row: Sendable, CustomTestStringConvertible {
        /// `{id}` in it stands for what the row is about, `{slug}` for the image that it is about, and `{key}` for the Idempotency-Key that made it.
        var endpoint: String
        var owner: Int
        var member: Int
        /// An owner's key of another team.
        var stranger: Int
        var isPublic = false
        /// `{id}` in it stands for what is in the path too, or without that for a text that is new, and `{snapshot}` for a
        /// snapshot of the compute.
        var body: String?

        var testDescription: String { endpoint }

        /// An Admin may do what an Owner may, but for the team itself, which no endpoint deletes or gives away.
        func status(_ credential: Credential) -> Int {
            switch credential {
            case .none, .malformed, .unknown, .revoked: isPublic ? owner : 401
            case .member: member
            case .admin, .owner: owner
            case .stranger: stranger
            }
        }
    }

    static let table = [
        open("GET /health"),
        open("GET /openapi.json"),

        view("GET /audit-logs"),
        view("GET /billing"),
        view("GET /billing/ledger"),
        view("GET /computes"),
        view("GET /computes/specifications"),
        view("GET /events"),
        view("GET /images"),
        view("GET /keys"),
        view("GET /regions"),
        view("GET /snapshots"),
        view("GET /team"),

        view("GET /computes/{id}", stranger: 404),
        view("GET /computes/{id}/events", stranger: 404),
        view("GET /idempotency-keys/{key}", stranger: 404),
        view("GET /images/{slug}", stranger: 404),
        view("GET /snapshots/{id}", stranger: 404),

        change("POST /computes", 202, stranger: 202, body: TestCloud.body()),
        change("PATCH /computes/{id}", 200, stranger: 404, body: #"{"hostName": "renamed"}"#),
        change("DELETE /computes/{id}", 202, stranger: 404),
        change("POST /computes/{id}/reboot", 202, stranger: 404),
        change("POST /computes/{id}/restore", 202, stranger: 404, body: #"{"snapshot": "{snapshot}"}"#),
        change("POST /computes/{id}/snapshots", 202, stranger: 404, body: #"{"name": "before"}"#),
        change("POST /computes/{id}/start", 202, stranger: 404),
        change("POST /computes/{id}/stop", 202, stranger: 404),
        change(
            "PATCH /computes/{id}/upsize", 202, stranger: 404, body: #"{"newSpecification": "S-2C-4G"}"#),
        change(
            "POST /images", 202, stranger: 202,
            body: #"{"slug": "{id}", "size": 6, "sha256": "\#(String(repeating: "a", count: 64))"}"#),
        change("PATCH /images/{slug}", 200, stranger: 404, body: #"{"name": "renamed"}"#),
        change("DELETE /images/{slug}", 202, stranger: 404),
        change("PUT /images/{slug}/content", 200, stranger: 404),
        change("POST /keys", 201, stranger: 201, body: #"{"name": "beside {id}", "role": "Member"}"#),
        change("DELETE /keys/{id}", 200, stranger: 404),
        change("PATCH /snapshots/{id}", 200, stranger: 404, body: #"{"name": "renamed"}"#),
        change("DELETE /snapshots/{id}", 202, stranger: 404),
    ]

    /// What needs no key.
    private static func open(_ endpoint: String) -> Row {
        Row(endpoint: endpoint, owner: 200, member: 200, stranger: 200, isPublic: true)
    }

    /// What every role may look at.
    private static func view(_ endpoint: String, stranger: Int = 200) -> Row {
        Row(endpoint: endpoint, owner: 200, member: 200, stranger: stranger)
    }

    /// What an Owner or Admin may do, and a Member may not.
    private static func change(_ endpoint: String, _ status: Int, stranger: Int, body: String? = nil) -> Row {
        Row(endpoint: endpoint, owner: status, member: 403, stranger: stranger, body: body)
    }

    @Test("the table has every endpoint once")
    func complete() async throws {
        try await TestCloud.with { cloud in
            let endpoints = CloudServer.endpoints(cloud.cloud).map { "\($0.method) \($0.path)" }
            #expect(endpoints.sorted() == Self.table.map(\.endpoint).sorted())
        }
    }

    @Test("the endpoint answers as the table says", arguments: table)
    func answers(_ row: Row) async throws {
        try await TestCloud.with { cloud in
            for credential in Credential.allCases {
                let answer = try await Self.send(row, credential, to: cloud)
                #expect(answer.status == row.status(credential), "\(credential): \(answer.text)")
                #expect(
                    answer.headers[.wwwAuthenticate] == (answer.status == 401 ? "Bearer" : nil),
                    "\(credential)")
            }
        }
    }

    private static func send(
        _ row: Row, _ credential: Credential, to cloud: TestCloud
    ) async throws -> TestAnswer {
        let parts = row.endpoint.split(separator: " ").map(String.init)
        let (id, key) = try await target(row.endpoint, in: cloud)
        let path = parts[1].replacing("{id}", with: id).replacing("{slug}", with: id).replacing(
            "{key}", with: key)
        if path == "/events" { return try await headOfStream(path, credential, in: cloud) }
        if path.hasSuffix("/content") {
            return try await cloud.sendBytes(
                .put, path, as: try await self.key(credential, in: cloud), Array("a disk".utf8))
        }
        var headers: [String: String] = [:]
        if row.body != nil { headers["Idempotency-Key"] = TestCloud.newKey() }
        return try await cloud.send(
            try #require(HTTPRequest.Method(parts[0])), path, as: try await self.key(credential, in: cloud),
            headers: headers, body: try await body(row, id, in: cloud))
    }

    private static func body(_ row: Row, _ id: String, in cloud: TestCloud) async throws -> String? {
        guard let body = row.body?.replacing("{id}", with: id), body.contains("{snapshot}") else {
            return row.body?.replacing("{id}", with: id)
        }
        return body.replacing("{snapshot}", with: try await cloud.snapshotOf(id))
    }

    /// A stream goes on until its client goes, and HEAD is answered as its beginning is.
    private static func headOfStream(
        _ path: String, _ credential: Credential, in cloud: TestCloud
    ) async throws -> TestAnswer {
        let key = try await key(credential, in: cloud)
        var fields = HTTPFields()
        switch key {
        case .none: break
        case .raw(let header): fields[.authorization] = header
        case .of, .stranger: fields[.authorization] = "Bearer \(cloud.secret(key))"
        }
        return try await cloud.sendRaw(.head, "/api/v1\(path)", fields)
    }

    /// What the endpoint is asked for: a new key of a Member, a new snapshot, a new upload, or a new compute that runs, or is stopped
    /// where the endpoint needs it so.
    private static func target(
        _ endpoint: String, in cloud: TestCloud
    ) async throws -> (id: String, key: String) {
        let key = TestCloud.newKey()
        if endpoint.hasSuffix(" /keys/{id}") { return (try await makeKey(cloud).id, key) }
        guard endpoint.contains("{") else {
            try await discardImages(in: cloud)
            return (key, key)
        }
        if endpoint.contains("{slug}") {
            try await discardImages(in: cloud)
            #expect(try await cloud.createUpload(of: Array("a disk".utf8), slug: key).status == 202)
            return (key, key)
        }
        let id = try #require(try await cloud.create(idempotencyKey: key).data?["id"]?.string)
        try await cloud.settle()
        if endpoint.hasSuffix(" /snapshots/{id}") { return (try await cloud.snapshotOf(id), key) }
        if endpoint.hasSuffix("/start") || endpoint.hasSuffix("/upsize") {
            _ = try await cloud.act(.stop, on: id)
            try await cloud.settle()
        }
        return (id, key)
    }

    /// Few uploads go on at once.
    private static func discardImages(in cloud: TestCloud) async throws {
        for key in [TestCloud.Key.of(.owner), .stranger] {
            for image in try await cloud.send(.get, "/images?scope=team", as: key).data?.array ?? [] {
                _ = try await cloud.send(.delete, "/images/\(image["image"]?.string ?? "")", as: key)
            }
        }
        try await cloud.settle()
    }

    private static func key(_ credential: Credential, in cloud: TestCloud) async throws -> TestCloud.Key {
        switch credential {
        case .none: return .none
        case .malformed: return .raw("Basic b3duZXI6c2VjcmV0")
        case .unknown: return .raw("Bearer strettch_" + String(repeating: "0", count: 48))
        case .member: return .of(.member)
        case .admin: return .of(.admin)
        case .owner: return .of(.owner)
        case .stranger: return .stranger
        case .revoked:
            let key = try await makeKey(cloud, role: "Owner")
            let revoked = try await cloud.send(.delete, "/keys/\(key.id)")
            #expect(revoked.status == 200)
            return .raw("Bearer \(key.secret)")
        }
    }

    private static func makeKey(
        _ cloud: TestCloud, role: String = "Member"
    ) async throws -> (id: String, secret: String) {
        let made = try await cloud.send(
            .post, "/keys", body: #"{"name": "\#(TestCloud.newKey())", "role": "\#(role)"}"#)
        return (
            try #require(made.data?["id"]?.string), try #require(made.data?["key"]?.string)
        )
    }
}

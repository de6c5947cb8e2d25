import CloudControl
import CloudCore
import CloudDatabase
import CloudServer
import CloudTesting
import HTTPTypes
import Testing

@Suite("A guest's token")
struct GuestTokenTests {
    @Test("is answered with exactly these members")
    func members() async throws {
        try await MetadataFixture.with { lab in
            let guest = try await lab.guest()
            let answer = try await lab.ask(
                "/metadata/v1/auth-token", from: guest.address, headers: ["X-Resource-ID: \(guest.id)"])
            let token = try #require(try answer.json["token"]?.string)
            #expect(
                answer.body == "{\"cloudAPIUrl\":\"http://169.254.169.254/api/v1\",\"token\":\"\(token)\"}")
            #expect(token.hasPrefix("strettch_guest_") && token.count == 15 + 48)
            #expect(answer.head.contains("Cache-Control: no-store"))
        }
    }

    @Test("comes with the URL that the operator set")
    func url() async throws {
        try await MetadataFixture.with(apiUrl: "https://cloud.example/api/v1") { lab in
            let guest = try await lab.guest()
            let answer = try await lab.ask(
                "/metadata/v1/auth-token", from: guest.address, headers: ["X-Resource-ID: \(guest.id)"])
            #expect(try answer.json["cloudAPIUrl"]?.string == "https://cloud.example/api/v1")
        }
    }

    @Test("is for the compute that asks alone")
    func resourceId() async throws {
        try await MetadataFixture.with { lab in
            let guest = try await lab.guest()
            let other = try await lab.guest()
            let headers = [
                ([], 400), (["X-Resource-ID: "], 400), (["X-Resource-ID: abc"], 400),
                (["X-Resource-ID: -1"], 400), (["X-Resource-ID: \(other.id)"], 403),
                (["X-Resource-ID: 999"], 403),
            ]
            for (headers, status) in headers {
                let answer = try await lab.ask(
                    "/metadata/v1/auth-token", from: guest.address, headers: headers)
                #expect(answer.status == status && !answer.body.contains("strettch_guest_"), "\(headers)")
            }
            let nobody = try await lab.ask(
                "/metadata/v1/auth-token", from: "127.64.0.99", headers: ["X-Resource-ID: \(guest.id)"])
            #expect(nobody.status == 404)
        }
    }

    @Test("opens its own compute, the catalogue, and nothing else of the API")
    func reach() async throws {
        try await MetadataFixture.with { lab in
            let guest = try await lab.guest()
            let mate = try await lab.guest()
            let stranger = try await lab.guest(as: .stranger)
            let bearer = TestCloud.Key.raw("Bearer \(try await lab.token(guest))")
            let open: Set = [
                "/computes/{id}", "/images", "/images/{slug}", "/regions", "/computes/specifications",
            ]
            for (method, path) in CloudServer.endpoints(lab.cloud.cloud)
            where !["/health", "/openapi.json"].contains(path) {
                let target = path.replacing("{id}", with: guest.id).replacing("{slug}", with: "TINY-1")
                let answer = try await lab.cloud.send(
                    HTTPRequest.Method(method) ?? .get, target, as: bearer)
                if method == "GET", open.contains(path) {
                    #expect(answer.status == 200, "\(method) \(path)")
                } else {
                    #expect(answer.code == "FORBIDDEN", "\(method) \(path)")
                }
            }
            for id in [mate.id, stranger.id, "999"] {
                #expect(try await lab.cloud.send(.get, "/computes/\(id)", as: bearer).status == 404)
            }
            let own = try await lab.cloud.send(.get, "/computes/\(guest.id)", as: bearer)
            #expect(own.data?["id"]?.string == guest.id)
            #expect(try await lab.cloud.state(guest.id) == "RUNNING", "it was not deleted")
        }
    }

    @Test("opens the same by the metadata service, where API keys open nothing")
    func byMetadataService() async throws {
        try await MetadataFixture.with { lab in
            let guest = try await lab.guest()
            let mate = try await lab.guest()
            func ask(_ path: String, _ key: String) async throws -> MetadataAnswer {
                try await lab.ask(
                    "/api/v1\(path)", from: guest.address, headers: ["Authorization: Bearer \(key)"])
            }
            let token = try await lab.token(guest)
            let own = try await ask("/computes/\(guest.id)", token)
            #expect(own.status == 200)
            #expect(try own.json["data"]?["hostName"]?.string == "my-server-01")
            #expect(try await ask("/images", token).status == 200)
            #expect(try await ask("/computes/\(mate.id)", token).status == 404)
            #expect(try await ask("/computes", token).status == 404, "not served here")
            let key = try #require(lab.cloud.keys[.owner])
            let refused = try await ask("/computes/\(guest.id)", key)
            #expect(try refused.json["code"]?.string == "FORBIDDEN")
            #expect(try await ask("/images", "strettch_guest_00").status == 401)
            #expect(try await lab.ask("/api/v1/health", from: guest.address).status == 200)
        }
    }

    @Test("ends after an hour")
    func expiry() async throws {
        try await MetadataFixture.with { lab in
            let guest = try await lab.guest()
            let bearer = TestCloud.Key.raw("Bearer \(try await lab.token(guest))")
            lab.cloud.clock.advance(milliseconds: 3_599_999)
            #expect(try await lab.cloud.send(.get, "/images", as: bearer).status == 200)
            lab.cloud.clock.advance(milliseconds: 1)
            let late = try await lab.cloud.send(.get, "/images", as: bearer)
            #expect(late.code == "UNAUTHORIZED")
            _ = try await lab.token(guest)
            #expect(try await lab.tokens().count == 1, "the expired one is forgotten")
        }
    }

    @Test("ends with its compute at once", arguments: [ComputeState.destroyed, .failed])
    func end(_ state: ComputeState) async throws {
        try await MetadataFixture.with { lab in
            let guest = try await lab.guest()
            let bearer = TestCloud.Key.raw("Bearer \(try await lab.token(guest))")
            if state == .destroyed {
                _ = try await lab.cloud.send(.delete, "/computes/\(guest.id)")
                #expect(try await lab.cloud.send(.get, "/images", as: bearer).status == 200, "DESTROYING")
                try await lab.cloud.settle()
            } else {
                let id = try #require(Int64(guest.id))
                try await lab.cloud.cloud.database.write { sql in
                    try sql.setState(id, state: .failed, intent: .running, nowMs: 1)
                }
                let again = try await lab.ask(
                    "/metadata/v1/auth-token", from: guest.address, headers: ["X-Resource-ID: \(guest.id)"])
                #expect(again.status == 409)
            }
            #expect(try await lab.cloud.send(.get, "/images", as: bearer).code == "UNAUTHORIZED")
        }
    }

    @Test("is one of 16 at most: a newer one ends the oldest")
    func atMost() async throws {
        try await MetadataFixture.with { lab in
            let guest = try await lab.guest()
            let mate = try await lab.guest()
            let mates = try await lab.token(mate)
            var tokens: [String] = []
            for _ in 0..<17 { tokens.append(try await lab.token(guest)) }
            var statuses: [Int] = []
            for token in tokens + [mates] {
                statuses.append(try await lab.cloud.send(.get, "/images", as: .raw("Bearer \(token)")).status)
            }
            #expect(statuses == [401] + Array(repeating: 200, count: 17))
            #expect(try await lab.tokens().count == 17)
        }
    }

    @Test("is kept as a hash alone")
    func hashed() async throws {
        try await MetadataFixture.with { lab in
            let token = try await lab.token(try await lab.guest())
            let rows = try await lab.tokens()
            #expect(rows.count == 1 && !rows[0].contains(token.dropFirst(15)))
        }
    }
}

extension MetadataFixture {
    /// The rows of the table of tokens, as text.
    fileprivate func tokens() async throws -> [String] {
        try await cloud.cloud.database.read { sql in
            try sql.query("SELECT * FROM guest_tokens").map { "\($0.values)" }
        }
    }
}

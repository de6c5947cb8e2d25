import CloudControl
import CloudDatabase
import CloudTesting
import HTTPTypes
import Testing

@Suite("Idempotency of POST /keys")
struct KeyIdempotencyTests {
    @Test("the same Idempotency-Key makes one key, and says that it can't be shown again")
    func replay() async throws {
        try await TestCloud.with { cloud in
            let idempotencyKey = TestCloud.newKey()
            let made = try await cloud.makeKey("ci", "Member", idempotencyKey: idempotencyKey)
            let id = try #require(made.data?["id"]?.string)
            let again = try await cloud.makeKey("ci", "Member", idempotencyKey: idempotencyKey.uppercased())
            #expect(again.code == "CONFLICT")
            #expect(again.json["message"]?.string?.contains("DELETE /keys/\(id)") == true)
            let other = try await cloud.makeKey("cd", "Member", idempotencyKey: idempotencyKey)
            #expect(other.code == "UNPROCESSABLE_ENTITY")
            #expect(other.fields == ["name"])
            #expect(try await cloud.send(.get, "/keys").json["meta"]?["total"]?.number == 4)

            // It is the team's, outlives the key, and is checked.
            #expect(
                try await cloud.makeKey("ci", "Member", as: .stranger, idempotencyKey: idempotencyKey).status
                    == 201)
            #expect(try await cloud.send(.delete, "/keys/\(id)").status == 200)
            #expect(
                try await cloud.makeKey("ci", "Member", idempotencyKey: idempotencyKey).code == "CONFLICT")
            #expect(
                try await cloud.makeKey("ci", "Member", idempotencyKey: "7").code == "INVALID_IDEMPOTENCY_KEY"
            )
        }
    }

    @Test("a request that made a key is found by its Idempotency-Key, and nothing of the key is kept with it")
    func found() async throws {
        try await TestCloud.with { cloud in
            let idempotencyKey = TestCloud.newKey()
            let made = try await cloud.makeKey("ci", "Member", idempotencyKey: idempotencyKey)
            let secret = try #require(made.data?["key"]?.string)
            let uses = try await cloud.send(.get, "/idempotency-keys/\(idempotencyKey)").data?.array
            #expect(uses?.map { $0["endpoint"]?.string } == ["POST /keys"])
            #expect(uses?[0]["resource"] == nil && uses?[0]["expiresAt"] == nil)
            let kept = try await cloud.cloud.database.read { sql in
                try sql.query("SELECT * FROM idempotency_keys").map { "\($0.values)" }.joined()
            }
            #expect(!kept.contains(secret.dropFirst(9)))
            // The members are told apart by the role too.
            let other = try await cloud.makeKey("cd", "Admin", idempotencyKey: idempotencyKey)
            #expect(other.fields == ["name", "role"])
        }
    }

    @Test("a request that is refused does not use its Idempotency-Key up")
    func refused() async throws {
        try await TestCloud.with { cloud in
            let idempotencyKey = TestCloud.newKey()
            let taken = try await cloud.makeKey("Member", "Member", idempotencyKey: idempotencyKey)
            #expect(taken.fields == ["name"])
            #expect(try await cloud.makeKey("ci", "Member", idempotencyKey: idempotencyKey).status == 201)
        }
    }

    /// Such a key has the Idempotency-Key of its request in its own row.
    @Test("a key from before requests for keys were kept with others answers as before")
    func older() async throws {
        try await TestCloud.with { cloud in
            let idempotencyKey = TestCloud.newKey()
            let made = try await cloud.makeKey("ci", "Member")
            let id = try #require(made.data?["id"]?.string)
            try await cloud.database.write { sql in
                _ = try sql.execute(
                    "UPDATE api_keys SET idempotency_key = $1 WHERE name = 'ci'", [idempotencyKey])
            }
            let again = try await cloud.makeKey("ci", "Member", idempotencyKey: idempotencyKey)
            #expect(again.code == "CONFLICT")
            #expect(again.json["message"]?.string?.contains("DELETE /keys/\(id)") == true)
            #expect(
                try await cloud.makeKey("cd", "Member", idempotencyKey: idempotencyKey).code
                    == "UNPROCESSABLE_ENTITY")
            #expect(try await cloud.send(.get, "/keys").json["meta"]?["total"]?.number == 4)
        }
    }
}

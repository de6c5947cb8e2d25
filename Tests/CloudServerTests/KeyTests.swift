import CloudControl
import CloudCore
import CloudDatabase
import CloudTesting
import CloudWire
import HTTPTypes
import Testing

@Suite("The keys of a team")
struct KeyTests {
    @Test("a key is shown once, works at once, and is listed without itself")
    func created() async throws {
        try await TestCloud.with { cloud in
            let made = try await cloud.makeKey("dashboard", "Member")
            #expect(made.status == 201)
            #expect(made.headers[.cacheControl] == "no-store")
            let secret = try #require(made.data?["key"]?.string)
            let team = try await cloud.send(.get, "/team", as: .raw("Bearer \(secret)"))
            #expect(team.data?["role"]?.string == "Member")
            #expect(team.data?["name"]?.string == "team")
            #expect(team.data?["network"]?.string == "10.0.0.0/22")

            let list = try await cloud.send(.get, "/keys?limit=2", as: .of(.member))
            #expect(list.json["meta"]?["total"]?.number == 4)
            #expect(list.data?.array?.map { $0["name"]?.string } == ["dashboard", "Member"])
            #expect(!list.text.contains(secret))
            let rows = try await cloud.cloud.database.read { sql in
                try sql.query("SELECT * FROM api_keys") + sql.query("SELECT * FROM events")
            }
            #expect(!rows.map { "\($0)" }.joined().contains(secret.dropFirst(9)))
        }
    }

    /// Who may make and revoke keys of which role.
    static let rights: [(Role, Role, Bool)] = [
        (.owner, .owner, true), (.owner, .admin, true), (.owner, .member, true), (.admin, .owner, false),
        (.admin, .admin, true), (.admin, .member, true), (.member, .owner, false), (.member, .admin, false),
        (.member, .member, false),
    ]

    @Test("nobody makes or revokes a key that may do more than his own", arguments: rights)
    func roles(_ role: Role, other: Role, isAllowed: Bool) async throws {
        try await TestCloud.with { cloud in
            let made = try await cloud.makeKey("new", other.rawValue, as: .of(role))
            #expect(made.status == (isAllowed ? 201 : 403))
            let victim = try await cloud.makeKey("victim", other.rawValue)
            let id = try #require(victim.data?["id"]?.string)
            let revoked = try await cloud.send(.delete, "/keys/\(id)", as: .of(role))
            #expect(revoked.status == (isAllowed ? 200 : 403))
        }
    }

    @Test("a revoked key opens nothing from then on; revoking it again is harmless and its name is free")
    func revoked() async throws {
        try await TestCloud.with { cloud in
            let made = try await cloud.makeKey("ci", "Admin")
            let id = try #require(made.data?["id"]?.string)
            let key = TestCloud.Key.raw("Bearer \(made.data?["key"]?.string ?? "")")
            #expect(try await cloud.send(.get, "/images", as: key).status == 200)
            for _ in 0..<2 {
                let revoked = try await cloud.send(.delete, "/keys/\(id)")
                #expect(revoked.status == 200)
                #expect(revoked.data?["revoked"] == .bool(true))
                #expect(revoked.data?["key"] == nil)
                #expect(try await cloud.send(.get, "/images", as: key).status == 401)
            }
            #expect(try await cloud.makeKey("ci", "Admin").status == 201)
            let kinds = try await cloud.teamEvents()
            #expect(kinds.filter { $0.hasPrefix("key.revoked") } == ["key.revoked \(id) ci (Admin)"])
        }
    }

    @Test("a key can't revoke itself, so a team always has an owner's key left")
    func itself() async throws {
        try await TestCloud.with { cloud in
            let list = try await cloud.send(.get, "/keys")
            let owner = try #require(
                list.data?.array?.first { $0["role"]?.string == "Owner" }?["id"]?.string)
            #expect(try await cloud.send(.delete, "/keys/\(owner)").code == "CONFLICT")
            #expect(try await cloud.send(.get, "/keys").status == 200)
        }
    }

    @Test("two owners who revoke each other at once don't both succeed")
    func eachOther() async throws {
        try await TestCloud.with { cloud in
            let made = try await cloud.makeKey("second", "Owner")
            let second = try #require(made.data?["id"]?.string.flatMap { Int64($0) })
            let first = try await Authenticate(authorization: "Bearer \(cloud.keys[.owner] ?? "")")
                .run(in: cloud.cloud)
            // Both were let in, and the other one is served first.
            _ = try await RevokeKey(id: first.keyId, by: .operator(teamId: first.teamId)).run(in: cloud.cloud)
            let error = await #expect(throws: CloudError.self) {
                try await RevokeKey(id: second, by: .caller(first, requestId: "r")).run(in: cloud.cloud)
            }
            #expect(error?.code == .unauthorized)
        }
    }

    @Test("two keys that work never have the same name; another team's may")
    func names() async throws {
        try await TestCloud.with { cloud in
            #expect(try await cloud.makeKey("ci", "Member").status == 201)
            let again = try await cloud.makeKey("ci", "Admin")
            #expect(again.code == "CONFLICT")
            #expect(again.fields == ["name"])
            #expect(try await cloud.makeKey("ci", "Member", as: .stranger).status == 201)
        }
    }

    @Test("a team has at most 100 keys that work, and those that it had before stay")
    func most() async throws {
        try await TestCloud.with { cloud in
            let now = cloud.clock.nowMs
            let more = CreateKey.maxKeys - 3
            try await cloud.database.write { sql in
                for number in 1...more {
                    let hash = String(repeating: "0", count: 60) + String(1000 + number)
                    _ = try sql.keys.insert(
                        NewKey(teamId: TestCloud.teamId, name: "\(number)", role: .member, hash: hash),
                        nowMs: now)
                }
            }
            let refused = try await cloud.makeKey("one more", "Member")
            #expect(refused.status == 422)
            #expect(refused.json["message"]?.string?.contains("has 100 keys that work") == true)
            #expect(try await cloud.makeKey("theirs", "Member", as: .stranger).status == 201)
            let error = await #expect(throws: CloudError.self) {
                try await CreateKey(name: "x", role: .owner, by: .operator(teamId: TestCloud.teamId))
                    .run(in: cloud.cloud)
            }
            #expect(error?.code == .unprocessableEntity)

            // More than there may be, as after an upgrade.
            try await cloud.database.write { sql in
                _ = try sql.keys.insert(
                    NewKey(
                        teamId: TestCloud.teamId, name: "old", role: .member,
                        hash: String(repeating: "1", count: 64)), nowMs: now)
            }
            for (id, status) in [(5, 422), (6, 201)] {  // keys 1 to 4 are the roles' and the strangers'
                #expect(try await cloud.send(.delete, "/keys/\(id)").status == 200)
                #expect(try await cloud.makeKey("again", "Member").status == status)
            }
        }
    }

    static let bodies: [(String, [String])] = [
        ("{}", ["name", "role"]), (#"{"name": 7, "role": "Boss"}"#, ["name", "role"]),
        (#"{"name": "", "role": "Member"}"#, ["name"]),
        (#"{"name": "a\u0007b", "role": "x"}"#, ["name", "role"]),
        (#"{"name": "a", "role": "owner"}"#, ["role"]), (#"{"name": "a", "role": null}"#, ["role"]),
    ]

    @Test("a body that breaks the rules is 400 with every member at fault", arguments: bodies)
    func invalid(_ body: String, fields: [String]) async throws {
        try await TestCloud.with { cloud in
            let answer = try await cloud.send(.post, "/keys", body: body)
            #expect(answer.code == "VALIDATION_ERROR", "\(answer.text)")
            #expect(answer.fields == fields)
        }
    }

    @Test("the last use is noted in memory and written apart from requests, the latest of each key")
    func lastUse() async throws {
        try await TestCloud.with { cloud in
            let before = cloud.database.writes
            for _ in 0..<3 {
                cloud.clock.advance(milliseconds: 1000)
                #expect(try await cloud.send(.get, "/images", as: .of(.member)).status == 200)
            }
            #expect(cloud.database.writes == before)
            try await cloud.cloud.keyUse.write(to: cloud.database)
            #expect(cloud.database.writes == before + 1)
            #expect(try await cloud.lastUse("Member") == "2024-01-15T10:00:03Z")
            #expect(try await cloud.lastUse("Admin") == nil)

            // Nothing new but the owner's look: what is written once is not written again.
            try await cloud.cloud.keyUse.write(to: cloud.database)
            try await cloud.cloud.keyUse.write(to: cloud.database)
            #expect(cloud.database.writes == before + 2)
        }
    }

    @Test("a use that can't be written fails no request and is written later")
    func lastUseKept() async throws {
        try await TestCloud.with { cloud in
            cloud.database.set(writeFault: CloudError(.serviceUnavailable, "planted"))
            #expect(try await cloud.send(.get, "/images", as: .of(.member)).status == 200)
            await #expect(throws: CloudError.self) {
                try await cloud.cloud.keyUse.write(to: cloud.database)
            }
            cloud.database.set()
            try await cloud.cloud.keyUse.write(to: cloud.database)
            #expect(try await cloud.lastUse("Member") == "2024-01-15T10:00:00Z")
        }
    }
}

extension TestCloud {
    func makeKey(
        _ name: String, _ role: String, as key: Key = .of(.owner), idempotencyKey: String? = nil
    ) async throws -> TestAnswer {
        var headers: [String: String] = [:]
        if let idempotencyKey { headers["Idempotency-Key"] = idempotencyKey }
        return try await send(
            .post, "/keys", as: key, headers: headers, body: #"{"name": "\#(name)", "role": "\#(role)"}"#)
    }

    fileprivate func lastUse(_ name: String) async throws -> String? {
        try await send(.get, "/keys").data?.array?.first { $0["name"]?.string == name }?["lastUsedAt"]?.string
    }

    /// Kind and detail of each event of a team, oldest first.
    fileprivate func teamEvents() async throws -> [String] {
        try await cloud.database.read { sql in
            try sql.query("SELECT * FROM events WHERE resource_id IS NULL ORDER BY id").map {
                "\(try $0.text("kind")) \(try $0.textOrNil("detail") ?? "")"
            }
        }
    }
}

import CloudCore
import CloudTesting
import GRDB
import Testing

@testable import CloudDatabase

@Suite("A database of an earlier program", .sqliteAlone)
struct SchemaTests {
    @Test("keeps its teams and keys; of keys with the same name all but the first get their number")
    func keys() async throws {
        try await withTemporaryFolder { folder in
            try Self.make("\(folder)/db", version: 4) { db in
                try db.execute(
                    sql: """
                        INSERT INTO teams (name, network_base, network_prefix, created_at_ms)
                        VALUES ('a', 167772160, 22, 1), ('b', 167773184, 22, 1);
                        INSERT INTO api_keys (team_id, name, role, key_hash, created_at_ms, revoked_at_ms)
                        VALUES (1, 'x', 'Owner', '\(hash("1"))', 1, NULL), (1, 'x', 'Admin', '\(hash("2"))', 1, 5),
                            (1, 'x', 'Admin', '\(hash("3"))', 1, NULL), (2, 'x', 'Owner', '\(hash("4"))', 1, NULL);
                        """)
            }
            let database = try SQLiteDatabase(path: "\(folder)/db")
            let names = try await database.read { sql in
                try sql.query("SELECT name FROM api_keys ORDER BY id").map { try $0.text("name") }
            }
            #expect(names == ["x", "x", "x (3)", "x"])
            let teams = try await database.read { sql in try sql.teams.list() }
            #expect(teams.map(\.name) == ["a", "b"])
            #expect(teams.map(\.network.description) == ["10.0.0.0/22", "10.0.4.0/22"])

            // Foreign keys hold again, and numbers go on.
            await #expect(throws: CloudError.self) {
                try await database.write { sql in
                    _ = try sql.keys.insert(
                        NewKey(teamId: 9, name: "n", role: .owner, hash: hash("9")), nowMs: 1)
                }
            }
            let next = try await database.write { sql in
                try sql.teams.insert(name: "c", network: teams[0].network.following, nowMs: 1)
            }
            #expect(next == 3)
        }
    }

    @Test("keeps what tells a retry from another request, and nothing else of the requests themselves")
    func requests() async throws {
        try await withTemporaryFolder { folder in
            let size = 250
            try Self.make("\(folder)/db", version: 15) { db in
                try db.execute(
                    sql: """
                        INSERT INTO teams (name, network_base, network_prefix, created_at_ms)
                        VALUES ('a', 167772160, 22, 1);
                        INSERT INTO api_keys (team_id, name, role, key_hash, created_at_ms)
                        VALUES (1, 'x', 'Owner', '\(hash("1"))', 1);
                        """)
                let create = StringMap.encode([
                    "hostName": "\"a\"", "specification": "\"S\"", "specificationId": "\"T\"",
                    "x": "\"secret\"",
                    "secret": "1", "tags": "null",
                ])
                let changes = [
                    ("PATCH /computes/1", "u", StringMap.encode(["hostName": "\"b\"", "image": "\"y\""])),
                    ("PATCH /computes/1/upsize", "s", StringMap.encode(["newSpecificationId": "\"S\""])),
                    ("POST /computes/1/stop", "p", "{}"),
                ]
                for (endpoint, key, request) in (0..<size).map({ ("POST /computes", "\($0)", create) })
                    + changes
                {
                    try db.execute(
                        sql: """
                            INSERT INTO idempotency_keys (
                                team_id, endpoint, idempotency_key, request, answer, created_at_ms
                            ) VALUES (1, ?, ?, ?, 'answer', 10)
                            """, arguments: [endpoint, key, request])
                }
            }
            let database = try SQLiteDatabase(path: "\(folder)/db")
            let expected: [(String, String, [String: String])] =
                (0..<size).map {
                    ("POST /computes", "\($0)", ["hostName": "\"a\"", "specification": "\"S\""])
                } + [
                    ("PATCH /computes/1", "u", ["hostName": "\"b\""]),
                    ("PATCH /computes/1/upsize", "s", ["newSpecificationId": "\"S\""]),
                    ("POST /computes/1/stop", "p", [:]),
                ]
            try await database.read { sql in
                for (endpoint, key, members) in expected {
                    let found = try sql.idempotencyKeys.get(
                        apiKeyId: 1, teamId: 1, endpoint: endpoint, key: key)
                    let record = try #require(found?.record)
                    #expect(record.answer == "answer")
                    #expect(!record.request.contains("secret"))
                    let kept = RequestDigest(text: record.request)
                    let same = RequestDigest(of: members, teamId: 1, endpoint: endpoint, key: key)
                    #expect(try same.differences(from: kept) == [])
                    let other = RequestDigest(
                        of: members.merging(["hostName": "\"other\""]) { $1 }, teamId: 1, endpoint: endpoint,
                        key: key)
                    #expect(try other.differences(from: kept) == ["hostName"])
                }
            }
        }
    }

    @Test("that refers to what is not there is refused")
    func broken() async throws {
        try await withTemporaryFolder { folder in
            try Self.make("\(folder)/db", version: 4) { db in
                try db.execute(
                    sql: """
                        INSERT INTO api_keys (team_id, name, role, key_hash, created_at_ms)
                        VALUES (7, 'x', 'Owner', '\(hash("1"))', 1)
                        """)
            }
            let error = #expect(throws: CloudError.self) { try SQLiteDatabase(path: "\(folder)/db") }
            #expect(error?.message.contains("\(folder)/db") == true)
        }
    }

    /// Makes a database as the migrations up to `version` leave it, and fills it without a look at foreign keys.
    private static func make(
        _ path: String, version: Int, _ fill: (GRDB.Database) throws -> Void
    ) throws {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        try DatabaseQueue(path: path, configuration: configuration).write { db in
            try db.execute(sql: "CREATE TABLE schema_version (version BIGINT NOT NULL PRIMARY KEY)")
            for (index, migration) in Migrations.all.prefix(version).enumerated() {
                for statement in migration(.sqlite) { try db.execute(sql: statement) }
                try db.execute(sql: "INSERT INTO schema_version (version) VALUES (?)", arguments: [index + 1])
            }
            try fill(db)
        }
    }
}

/// 64 characters, as a hash has.
private func hash(_ digit: String) -> String { String(repeating: digit, count: 64) }

extension IPv4Network {
    /// A block that is far from this one.
    fileprivate var following: IPv4Network {
        IPv4Network(base: IPv4Address(base.value + 1 << 20), prefix: prefix) ?? self
    }
}

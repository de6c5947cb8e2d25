import CloudCore
import CloudTesting
import FoundationEssentials
import Testing

@testable import CloudDatabase

@Suite("The SQLite database", .sqliteAlone)
struct SQLiteDatabaseTests {
    @Test("every commit is synced to disk")
    func synchronous() async throws {
        try await withTemporaryFolder { folder in
            let database = try SQLiteDatabase(path: "\(folder)/db")
            #expect(try await database.synchronousLevel() == 2)
        }
    }

    @Test("a transaction that throws changes nothing")
    func rollback() async throws {
        try await withDatabase { database in
            await #expect(throws: CloudError.self) {
                try await database.write { sql in
                    _ = try sql.teams.insert(name: "a", network: network("10.0.0.0/22"), nowMs: 1)
                    throw CloudError.bug("planted")
                }
            }
            let count = try await database.read { sql in try sql.teams.count() }
            #expect(count == 0)
        }
    }

    @Test("glances and reads at once, many more than there are readers, all come to their end")
    func glance() async throws {
        try await withDatabase { database in
            let count: @Sendable (any SQLConnection) throws -> Int64 = { sql in
                try sql.query(
                    """
                    WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 2000)
                    SELECT COUNT(*) AS n FROM numbers
                    """)[0].int("n")
            }
            try await withThrowingTaskGroup(of: Int64.self) { group in
                for _ in 0..<200 {
                    group.addTask { try await database.read(count) }
                    group.addTask { try await database.glance(count) }
                }
                for try await counted in group { #expect(counted == 2000) }
            }
        }
    }

    @Test("placeholders are bound by number, in any order and more than once")
    func placeholders() async throws {
        try await withDatabase { database in
            let row = try await database.read { sql in
                try sql.query("SELECT $2 AS b, $1 AS a, $2 AS c, $3 AS n", ["x", 7, String?.none])[0]
            }
            #expect(row == SQLRow(["b": .int(7), "a": .text("x"), "c": .int(7), "n": .null]))
        }
    }

    @Test("opening again keeps what is there, and a database of a newer program is refused")
    func versions() async throws {
        try await withTemporaryFolder { folder in
            let database = try SQLiteDatabase(path: "\(folder)/db")
            _ = try await database.write { sql in
                try sql.teams.insert(name: "a", network: network("10.0.0.0/22"), nowMs: 1)
            }
            let again = try SQLiteDatabase(path: "\(folder)/db")
            let count = try await again.read { sql in try sql.teams.count() }
            #expect(count == 1)
            try await again.write { sql in
                _ = try sql.execute(
                    "INSERT INTO schema_version (version) VALUES ($1)", [Migrations.all.count + 1])
            }
            #expect(throws: CloudError.self) { try SQLiteDatabase(path: "\(folder)/db") }
        }
    }

    @Test("a folder that does not exist is named in the error")
    func noFolder() {
        let error = #expect(throws: CloudError.self) { try SQLiteDatabase(path: "/nonexistent/db") }
        #expect(error?.message.contains("/nonexistent/db") == true)
    }

    @Test("no address can be held twice")
    func unique() async throws {
        try await withDatabase { database in
            await #expect(throws: CloudError.self) {
                try await database.write { sql in
                    let team = try sql.teams.insert(name: "a", network: network("10.0.0.0/22"), nowMs: 1)
                    for _ in 0..<2 {
                        _ = try sql.insertCompute(
                            newCompute(team, "10.0.0.5", on: try sql.makeHost()), nowMs: 1)
                    }
                }
            }
        }
    }

    @Test("a job is leased to one owner at a time, until the lease runs out")
    func leases() async throws {
        try await withDatabase { database in
            try await database.write { sql in
                let team = try sql.teams.insert(name: "a", network: network("10.0.0.0/22"), nowMs: 1)
                let host = try sql.makeHost()
                let other = try sql.makeHost("host-2")
                let id = try sql.insertCompute(newCompute(team, "10.0.0.5", on: host), nowMs: 1)
                try sql.jobs.insert(
                    id, .compute, ComputeAction.create, machineId: id, hostId: host, nowMs: 100)
                func lease(_ owner: String, at now: Int64) throws -> [Int64] {
                    #expect(
                        try sql.jobs.lease(
                            owner: owner, hostId: other, limit: 5, nowMs: now, untilMs: now + 50) == [])
                    return try sql.jobs.lease(
                        owner: owner, hostId: host, limit: 5, nowMs: now, untilMs: now + 50
                    ).map(\.id)
                }
                let leases = [
                    try lease("a", at: 99), try lease("a", at: 100), try lease("b", at: 149),
                    try lease("b", at: 150),
                ]
                #expect(leases == [[], [id], [], [id]])
                let renewals = [
                    try sql.jobs.renew(id, owner: "a", untilMs: 999),
                    try sql.jobs.renew(id, owner: "b", untilMs: 999),
                ]
                #expect(renewals == [false, true])
            }
        }
    }

    @Test("a full disk is an error that says to try again, and nothing is changed")
    func full() async throws {
        try await withDatabase { database in
            let error = await #expect(throws: CloudError.self) {
                try await database.write { sql in
                    _ = try sql.query("PRAGMA max_page_count = 1")
                    for number in 0..<100_000 {
                        _ = try sql.teams.insert(
                            name: "team \(number)", network: network("10.0.0.0/22"), nowMs: 1)
                        _ = try sql.execute("UPDATE teams SET network_base = network_base + 1000000 + id")
                    }
                }
            }
            #expect(error?.code == .serviceUnavailable)
            let count = try await database.read { sql in try sql.teams.count() }
            #expect(count == 0)
        }
    }

    @Test("a writer waits for another process's transaction")
    func busy() async throws {
        try await withTemporaryFolder { folder in
            let server = try SQLiteDatabase(path: "\(folder)/db")
            let operators = try SQLiteDatabase(path: "\(folder)/db")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<40 {
                    let database = number % 2 == 0 ? server : operators
                    group.addTask {
                        try await database.write { sql in
                            let count = try sql.teams.count()
                            _ = try sql.teams.insert(
                                name: "team \(count)", network: network("10.\(count).0.0/22"), nowMs: 1)
                        }
                    }
                }
                try await group.waitForAll()
            }
            let count = try await server.read { sql in try sql.teams.count() }
            #expect(count == 40)
        }
    }

    @Test("a file that is no database is named in the error")
    func noDatabase() async throws {
        try await withTemporaryFolder { folder in
            let path = "\(folder)/db"
            #expect(FileManager.default.createFile(atPath: path, contents: Data(repeating: 65, count: 8192)))
            let error = #expect(throws: CloudError.self) { try SQLiteDatabase(path: path) }
            #expect(error?.message.contains(path) == true)
        }
    }

    private func withDatabase(_ body: (SQLiteDatabase) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in try await body(try SQLiteDatabase(path: "\(folder)/db")) }
    }
}

private func network(_ text: String) throws -> IPv4Network { try #require(IPv4Network(text)) }

private func address(_ text: String) -> IPv4Address { IPv4Address(text) ?? IPv4Address(0) }

private func newCompute(_ team: Int64, _ privateIpv4: String, on host: Int64) -> NewCompute {
    NewCompute(
        teamId: team, hostId: host, hostName: "h", image: "TINY-1",
        specification: Catalogue.test.specifications[0],
        region: "KGL-1",
        publicKeys: ["k"], tags: [], userData: nil, deletionProtection: false,
        privateIpv4: address(privateIpv4), publicIpv4: nil, sshPort: nil)
}

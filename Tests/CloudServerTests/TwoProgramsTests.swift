import CloudControl
import CloudCore
import CloudDatabase
import CloudTesting
import CloudWorker
import Testing

/// Two programs with a pool each on one PostgreSQL, as two API servers are.
@Suite("Two programs on one database")
struct TwoProgramsTests {
    private static let keys = 24
    /// Sends of each key: to both programs at once, and twice to one.
    private static let sendsOfEach = 3

    @Test("make one compute for each key, and never give an address twice, whoever is asked at once")
    func creates() async throws {
        try await TestPostgres.withDatabase { connection in
            let runs = Tally()
            let clouds = try (0..<2).map { _ in try Self.cloud(connection, runs) }
            try await RegisterHost(facts: HostFacts(identity: "host", name: "host"), owner: "worker").run(
                in: clouds[0].database, HostClaim(), clock: clouds[0].clock)
            let team = try await CreateTeam(name: "team").run(in: clouds[0])
            let caller = try await Authenticate(authorization: "Bearer \(team.key.secret)").run(in: clouds[1])
            let ids = Tally()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<Self.keys * Self.sendsOfEach {
                    group.addTask {
                        let key =
                            "00000000-0000-4000-8000-\(String(100_000_000_000 + number / Self.sendsOfEach))"
                        let outcome = try await CreateCompute(
                            Self.asked, request: try Self.request(key, caller),
                            answer: { compute, _ in "{\"id\":\"\(compute.id)\"}" }
                        ).run(in: clouds[number % 2])
                        if !outcome.replayed { ids.add(1) }
                    }
                }
                try await group.waitForAll()
            }
            #expect(ids.count == Self.keys)
            #expect(
                runs.count < Self.keys * Self.sendsOfEach * 5 / 4, "they take turns, so few are run again")
            let rows = try await clouds[0].database.read { sql in
                try sql.query("SELECT private_ipv4 FROM computes")
            }
            #expect(rows.count == Self.keys)
            #expect(Set(try rows.map { try $0.int("private_ipv4") }).count == Self.keys)
            let events = try await clouds[1].database.read { sql in
                try sql.audit.notOnce(kind: ComputeAction.create.requestedKind).count
            }
            #expect(events == 0)
        }
    }
}

extension TwoProgramsTests {
    fileprivate static let asked = ComputeRequest(
        hostName: "web", image: "TINY-1", region: "KGL-1", specification: "S-1C",
        publicKeys: [TestCloud.publicKey])

    fileprivate static func cloud(_ connection: String, _ runs: Tally) throws -> Cloud {
        var settings = CloudSettings.userMode
        settings.sshPorts = 22001...22999
        return Cloud(
            database: CountingDatabase(
                database: try PostgresDatabase(connection: connection, connections: 4), runs: runs),
            catalogue: .test, settings: settings,
            randomBytes: { count in (0..<count).map { _ in UInt8.random(in: .min ... .max) } }, wake: {})
    }

    fileprivate static func request(_ key: String, _ caller: Caller) throws -> ChangeRequest {
        ChangeRequest(
            endpoint: CreateCompute.endpoint, key: try IdempotencyKey(header: key), members: [:],
            caller: caller,
            requestId: "request")
    }
}

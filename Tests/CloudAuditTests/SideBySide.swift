import CloudAudit
import CloudControl
import CloudCore
import CloudDatabase
import CloudTesting

/// Two programs with a pool each on one PostgreSQL, as two API servers are, and hosts as rows alone.
struct SideBySide: Sendable {
    let clouds: [Cloud]
    let team: Team
    let caller: Caller
    /// One number for each run of a create's body.
    let runs: Tally

    /// Transactions that each program may have under way.
    private static let connections = 4
    /// Milliseconds ahead of now that the hosts were heard of: longer than any test takes.
    private static let heardAheadMs: Int64 = 3_600_000

    /// Runs `body` with hosts of so many vCPUs each, and a team.
    static func with(
        vcpus: [Int], _ change: (inout CloudSettings) -> Void = { _ in },
        _ body: (SideBySide) async throws -> Void
    ) async throws {
        var settings = CloudSettings.test
        change(&settings)
        let changed = settings
        try await TestPostgres.withDatabase { connection in
            let runs = Tally()
            let databases = try (0..<2).map { _ in
                try PostgresDatabase(connection: connection, connections: connections)
            }
            defer { for database in databases { database.close() } }
            let clouds = databases.map { database in
                Cloud(
                    database: CountingDatabase(database: database, runs: runs), catalogue: .test,
                    settings: changed,
                    randomBytes: { count in (0..<count).map { _ in UInt8.random(in: .min ... .max) } },
                    wake: {})
            }
            try await addHosts(vcpus, to: clouds[0])
            let made = try await CreateTeam(name: "team").run(in: clouds[0])
            let caller = Caller(keyId: made.key.key.id, teamId: made.team.id, role: .owner)
            try await body(SideBySide(clouds: clouds, team: made.team, caller: caller, runs: runs))
        }
    }

    private static func addHosts(_ vcpus: [Int], to cloud: Cloud) async throws {
        let heardMs = cloud.clock.nowMs + heardAheadMs
        try await cloud.database.write(.registerHost) { sql in
            for (index, vcpus) in vcpus.enumerated() {
                let facts = HostFacts(
                    identity: "host-\(index)", name: "host-\(index)", capacity: Capacity(vcpus: vcpus))
                let id = try sql.hosts.insert(facts)
                _ = try sql.hosts.take(id, facts, owner: "test", nowMs: heardMs)
            }
        }
    }

    /// What became of a create.
    enum Answer: Sendable, Equatable {
        case accepted(String)
        case refused(ErrorCode, String)

        var isAccepted: Bool { code == nil }

        var code: ErrorCode? { if case .refused(let code, _) = self { code } else { nil } }
    }

    /// Sends that many creates at once to both programs in turn, of one vCPU each, and returns the answers.
    /// - Parameter keyOf: the number of the key of each; by itself each has its own.
    func create(
        _ count: Int, tags: [String] = [], withPublicIp: Bool = false, as caller: Caller? = nil,
        keyOf: (Int) -> Int = { $0 }
    ) async throws -> [Answer] {
        let asked = ComputeRequest(
            hostName: "web", image: "TINY-1", region: "KGL-1", specification: "S-1C",
            publicKeys: [TestCloud.publicKey], tags: tags, withPublicIp: withPublicIp)
        let caller = caller ?? self.caller
        return try await withThrowingTaskGroup(of: Answer.self) { group in
            for number in 0..<count {
                let key = "00000000-0000-4000-8000-\(String(100_000_000_000 + keyOf(number)))"
                let request = ChangeRequest(
                    endpoint: CreateCompute.endpoint, key: try IdempotencyKey(header: key), members: [:],
                    caller: caller, requestId: "request")
                group.addTask {
                    do {
                        let outcome = try await CreateCompute(
                            asked, request: request, answer: { compute, _ in "{\"id\":\"\(compute.id)\"}" }
                        ).run(in: clouds[number % clouds.count])
                        return .accepted(outcome.answer)
                    } catch let error as CloudError {
                        return .refused(error.code, error.message)
                    }
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    /// What the audit finds; empty: every promise is kept.
    func findings() async throws -> [AuditFinding] {
        let settings = clouds[0].settings
        return try await Audit(
            database: clouds[0].database, hosts: [:], catalogue: .test,
            settings: AuditSettings(
                privateRange: settings.privateRange, publicPool: settings.publicPool,
                sshPorts: settings.sshPorts, isBilled: settings.billing.isOn), clock: clouds[0].clock
        ).run()
    }

    /// The values of a column of the computes, those that are NULL left out.
    func held(_ column: String) async throws -> [Int64] {
        try await clouds[0].database.read { sql in
            try sql.query("SELECT \(column) AS n FROM computes WHERE \(column) IS NOT NULL ORDER BY 1").map {
                try $0.int("n")
            }
        }
    }
}

import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
import CloudTesting
import Foundation
import Testing

@Suite("strettch admin host evacuate")
struct AdminHostEvacuateTests {
    @Test("tells what moved where, what stays and why, and by its status that something stays")
    func output() async throws {
        try await withTemporaryFolder { folder in
            try await Self.make(folder)
            let said = await #expect(throws: CloudError.self) { try await evacuate(folder) }
            #expect(
                said?.detail?.contains(
                    """
                    COMPUTE  NAME  STATE     NOW ON
                    2        two   CREATING  b
                    COMPUTE  NAME  STATE    STAYS SINCE
                    1        one   RUNNING  its disk lies on the lost host alone, which has no setting 'disks'
                    1 moved from a, 1 left on it.
                    """) == true, "\(said?.detail ?? "")")
            #expect(said?.detail?.contains("exited(8)") == true, "\(said?.detail ?? "")")
            let again = await #expect(throws: CloudError.self) { try await evacuate(folder, "--json") }
            #expect(again?.detail?.contains("\"moved\" : [\n\n  ]") == true, "\(again?.detail ?? "")")
            #expect(again?.detail?.contains("\"hostName\" : \"one\"") == true)
        }
    }

    private func evacuate(_ folder: String, _ more: String...) async throws -> Command.Output {
        try await Command(
            ProgramTestPaths.program,
            ["admin", "host", "evacuate", "a", "--fenced", "--data", "\(folder)/data"] + more
        ).run()
    }

    /// A host that has been silent for a minute, with a compute that runs and one that was just asked for, and another that
    /// lives.
    private static func make(_ folder: String) async throws {
        try FileManager.default.createDirectory(atPath: "\(folder)/data", withIntermediateDirectories: true)
        let database = try SQLiteDatabase(path: "\(folder)/data/strettch.sqlite")
        let clock = SystemClock()
        let cloud = Cloud(
            database: database, catalogue: .test, settings: .test, clock: clock,
            randomBytes: { count in (0..<count).map { UInt8($0) } }, wake: {})
        let team = try await CreateTeam(name: "team").run(in: cloud)
        try await addHost("a", to: database, heartbeatMs: clock.nowMs)
        for (number, name) in ["one", "two"].enumerated() {
            let request = ChangeRequest(
                endpoint: "POST /computes",
                key: try IdempotencyKey(header: "00000000-0000-4000-8000-00000000000\(number)"), members: [:],
                caller: Caller(keyId: 1, teamId: team.team.id, role: .owner), requestId: "r")
            _ = try await CreateCompute(
                ComputeRequest(
                    hostName: name, image: "TINY-1", region: "KGL-1", specification: "S-1C",
                    publicKeys: [TestCloud.publicKey]), request: request, answer: { _, _ in "{}" }
            ).run(in: cloud)
        }
        let now = clock.nowMs
        try await database.write { sql in
            try sql.setState(1, state: .running, intent: .running, nowMs: now)
            try sql.jobs.set(1, action: ComputeAction.keep)
            try sql.jobs.move(1, to: ComputeStep.idle, nowMs: now)
            try sql.execute("UPDATE hosts SET heartbeat_ms = $1", [now - 60_000])
        }
        try await addHost("b", to: database, heartbeatMs: now)
    }

    private static func addHost(_ name: String, to database: any Database, heartbeatMs: Int64) async throws {
        try await database.write { sql in
            let facts = HostFacts(identity: name, name: name)
            _ = try sql.hosts.take(try sql.hosts.insert(facts), facts, owner: name, nowMs: heartbeatMs)
        }
    }
}

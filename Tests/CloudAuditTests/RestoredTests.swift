import CloudAudit
import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
import CloudTesting
import Testing

@Suite("What is restored from a backup", .sqliteAlone, .timeLimit(.minutes(2)))
struct RestoredTests {
    @Test(
        "that was taken while 8 clients create is as promised: each compute has its job, key, meter and event"
    )
    func underLoad() async throws {
        try await TestCloud.with { cloud in
            try await withTemporaryFolder { folder in
                let path = try await cloud.databasePath()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<8 {
                        group.addTask {
                            for _ in 0..<15 {
                                let answer = try await cloud.create()
                                #expect(answer.status == 202)
                            }
                        }
                    }
                    for number in 0..<6 {
                        _ = try BackUpDatabase(database: path, file: "\(folder)/\(number)").run()
                    }
                    try await group.waitForAll()
                }
                var computes: [Int64] = []
                for number in 0..<6 {
                    let restored = "\(folder)/restored-\(number)"
                    let restore = RestoreDatabase(
                        file: "\(folder)/\(number)", database: restored, kept: "\(folder)/kept",
                        nowMs: cloud.clock.nowMs, machines: { _ in MachinesOnHost() })
                    let report = try restore.prepare()
                    try restore.install(report)
                    computes.append(report.backup.computes)
                    let findings = try await cloud.findings(in: restored)
                    #expect(findings == [])
                }
                #expect(computes.last.map { $0 > 0 } == true && computes == computes.sorted())
            }
        }
    }

    @Test("in place of a database that went on has no gap, and tells each team what is lost")
    func inPlace() async throws {
        try await TestCloud.with { cloud in
            try await withTemporaryFolder { folder in
                let path = try await cloud.databasePath()
                for _ in 0..<2 { _ = try await cloud.create() }
                _ = try BackUpDatabase(database: path, file: "\(folder)/backup").run()
                for _ in 0..<3 { _ = try await cloud.create() }
                // What the folder would have after the server's end.
                _ = try BackUpDatabase(database: path, file: "\(folder)/db").run()
                let restore = RestoreDatabase(
                    file: "\(folder)/backup", database: "\(folder)/db", kept: "\(folder)/kept",
                    nowMs: cloud.clock.nowMs, machines: { _ in MachinesOnHost() })
                let report = try restore.prepare()
                try restore.install(report)
                #expect(report.since?.createdComputes == [3, 4, 5])
                #expect(report.since?.idempotencyKeys == 3)
                #expect(report.since?.events?.count == 3)
                let findings = try await cloud.findings(in: "\(folder)/db")
                #expect(findings == [])
            }
        }
    }
}

extension TestCloud {
    /// The path of the database, which a first start has marked as its own.
    fileprivate func databasePath() async throws -> String {
        try await database.write { sql in try sql.setInstallationId("cell-a") }
        return try await database.read { sql in try sql.query("PRAGMA database_list")[0].text("file") }
    }

    /// What an audit finds in another database than this cloud's, with nothing on the host.
    fileprivate func findings(in path: String) async throws -> [AuditFinding] {
        let settings = AuditSettings(
            privateRange: cloud.settings.privateRange, publicPool: cloud.settings.publicPool)
        return try await Audit(
            database: try SQLiteDatabase(path: path), hosts: [1: SimulatedHost()], catalogue: cloud.catalogue,
            settings: settings, clock: clock
        ).run()
    }
}

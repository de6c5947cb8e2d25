import CloudCore
import CloudTesting
import Foundation
import Testing

@testable import CloudDatabase

@Suite("A restore", .sqliteAlone)
struct RestoreTests {
    @Test("puts the backup in the database's place, keeps the latter beside, and tells what is lost")
    func report() async throws {
        try await RestoreFixture.with { fixture in
            let before = try dump(fixture.database)
            let backup = try dump(fixture.backup)
            let report = try fixture.restore(
                onHost: MachinesOnHost(processes: [3, 4], disks: [4], folders: [3, 4, 9])
            ).run()
            #expect(report.backup.computes == 3 && report.backup.lastEventId == 2)
            #expect(report.present == .kept(fixture.kept))
            #expect(
                report.since
                    == SinceBackup(
                        createdComputes: [4], deletedComputes: [1], events: 3...7, idempotencyKeys: 1,
                        apiKeys: 1, revokedKeys: 1, ledgerEntries: 1, paidMilliRwf: 700))
            #expect(report.orphans == [4, 9])
            #expect(report.withoutDisk == [1, 2, 3], "2 is at its boot")
            #expect(report.running.isEmpty)
            #expect(try dump(fixture.kept) == before)
            #expect(try dump(fixture.backup) == backup, "the file itself is never changed")
            #expect(try fixture.files() == ["backup", "db", "kept"])

            let database = try SQLiteDatabase(path: fixture.database)
            try await database.read { sql in
                let first = try sql.computes.get(1)
                #expect(first?.state == .running)
                #expect(try sql.computes.list(teamId: 1, limit: 10).map(\.id) == [3, 2, 1])
                #expect(try sql.wallets.get(1).balanceMilliRwf == 5000)
                let since = try sql.idempotencyKeys.get(
                    apiKeyId: 1, teamId: 1, endpoint: "POST /computes", key: "since")?.record
                #expect(since == nil)
            }
        }
    }

    @Test("gives no id out again, neither one of the database before nor one that a machine here has")
    func ids() async throws {
        try await RestoreFixture.with { fixture in
            try fixture.restore(onHost: MachinesOnHost(folders: [4])).run()
            let ids = try await fixture.nextIds()
            #expect(ids == ["resources": 5, "api_keys": 3, "events": 9, "teams": 2, "hosts": 2])
        }
        try await RestoreFixture.with { fixture in
            try fixture.restore(onHost: MachinesOnHost(processes: [40], disks: [41], folders: [42])).run()
            let ids = try await fixture.nextIds()
            #expect(ids["resources"] == 43)
        }
    }

    @Test("does not restore a compute from its snapshot once more: its guest may have written since")
    func amidRestore() async throws {
        try await RestoreFixture.with { fixture in
            let database = try SQLiteDatabase(path: fixture.database)
            try await database.write { sql in
                try sql.jobs.begin(ComputeAction.restore, 3, nowMs: 20)
                try sql.jobs.move(3, to: ComputeStep.confirm, nowMs: 20)
            }
            try database.close()
            let amid = "\(fixture.folder)/amid"
            _ = try BackUpDatabase(database: fixture.database, file: amid).run()
            try fixture.restore(file: amid).run()
            let restored = try SQLiteDatabase(path: fixture.database)
            let compute = try await restored.read { sql in try sql.computes.get(3) }
            #expect(compute?.job.action == .putBack && compute?.job.step == .unplug)
            #expect(compute?.failure?.code == .restoreFailed)
        }
    }

    @Test("leaves out many ids where the database before can't be read, and keeps that as it is")
    func damagedDatabase() async throws {
        try await RestoreFixture.with { fixture in
            try damage(fixture.database)
            let before = try Data(contentsOf: URL(filePath: fixture.database))
            let report = try fixture.restore().run()
            #expect(report.present == .damaged(fixture.kept) && report.since == nil)
            #expect(try Data(contentsOf: URL(filePath: fixture.kept)) == before)
            let ids = try await fixture.nextIds()
            #expect(ids["resources"] == 1_000_004 && ids["api_keys"] == 1_000_002)
            #expect(ids["teams"] == 1_000_002)
            // One event has told the team.
            #expect(ids["events"] == 1_000_004)
        }
    }

    @Test("into an empty folder needs nothing else, and heeds no log that another database left there")
    func absent() async throws {
        try await RestoreFixture.with { fixture in
            let log = try await fixture.logOfAnotherName()
            try FileManager.default.removeItem(atPath: fixture.database)
            try log.write(to: URL(filePath: "\(fixture.database)-wal"))
            let report = try fixture.restore().run()
            #expect(report.present == .absent && report.since == nil)
            #expect(try fixture.files() == ["backup", "db"])
            let database = try SQLiteDatabase(path: fixture.database)
            let names = try await database.read { sql in try sql.teams.list().map(\.name) }
            #expect(names == ["team"])
        }
    }

    @Test("keeps keys revoked that were revoked since, and tells each team")
    func keys() async throws {
        try await RestoreFixture.with { fixture in
            try fixture.restore().run()
            let database = try SQLiteDatabase(path: fixture.database)
            try await database.read { sql in
                let keys = try sql.query("SELECT id, revoked_at_ms FROM api_keys")
                #expect(try keys.map { try $0.intOrNil("revoked_at_ms") } == [20])
                let told = try #require(try sql.events.newest(.team(1), limit: 1).first)
                #expect(told.id == 8 && told.event.kind == "team.restored" && told.event.actor == .operator)
                #expect(told.event.detail?.contains("Events 3 to 7 of the cell are lost.") == true)
            }
        }
    }

    @Test("has a machine shut down that runs and is STOPPED in the backup")
    func running() async throws {
        try await withTemporaryFolder { folder in
            let fixture = RestoreFixture(folder: folder)
            try OldDatabase(version: 8).make(fixture.database)
            let database = try SQLiteDatabase(path: fixture.database)
            try await database.write { sql in
                try sql.setState(1, state: .stopped, intent: .stopped, nowMs: 20)
            }
            _ = try BackUpDatabase(database: fixture.database, file: fixture.backup).run()
            let report = try RestoreDatabase(
                file: fixture.backup, database: "\(folder)/other", kept: fixture.kept, nowMs: 30,
                machines: { _ in MachinesOnHost(processes: [1, 3], disks: [1, 2, 3], folders: [1, 2, 3]) }
            ).run()
            #expect(report.running == [1] && report.orphans.isEmpty && report.withoutDisk.isEmpty)
            let restored = try SQLiteDatabase(path: "\(folder)/other")
            let task = try await restored.read { sql in try sql.computes.get(1)?.job }
            #expect(task?.action == .stop)
        }
    }

    @Test("brings a backup of an earlier program up to date", arguments: 1..<Migrations.all.count)
    func earlier(version: Int) async throws {
        try await RestoreFixture.with(version: version) { fixture in
            let report = try fixture.restore().run()
            #expect(report.backup.schemaVersion == version)
            #expect(report.since?.createdComputes == [version < 4 ? 3 : 4])
            #expect(try fixture.files().contains("db.before-schema-\(Migrations.all.count)"))
            #expect(try DatabaseFile(path: fixture.database).check().schemaVersion == Migrations.all.count)
        }
    }
}

extension RestoreFixture {
    /// The write-ahead log of the database, in which its team has another name.
    fileprivate func logOfAnotherName() async throws -> Data {
        let database = try SQLiteDatabase(path: database)
        try await database.write { sql in _ = try sql.execute("UPDATE teams SET name = 'ghost'") }
        let log = try Data(contentsOf: URL(filePath: "\(self.database)-wal"))
        try database.close()
        return log
    }

    /// The number that the next row of each table gets.
    fileprivate func nextIds() async throws -> [String: Int64] {
        let database = try SQLiteDatabase(path: database)
        let last = try await database.read { sql in try sql.identities.last() }
        return last.filter { $0.key != "guest_tokens" }.mapValues { $0 + 1 }
    }
}

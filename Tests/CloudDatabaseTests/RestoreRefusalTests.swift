import CloudCore
import CloudTesting
import Foundation
import GRDB
import Testing

@testable import CloudDatabase

/// After each of these the database is what it was, and nothing is left beside it.
@Suite("A restore that is refused or cut off", .sqliteAlone)
struct RestoreRefusalTests {
    @Test("of a file that is damaged, missing, or no backup of ours")
    func unfit() async throws {
        try await RestoreFixture.with { fixture in
            let damaged = "\(fixture.folder)/damaged"
            try FileManager.default.copyItem(atPath: fixture.backup, toPath: damaged)
            try damage(damaged)
            let text = "\(fixture.folder)/text"
            try Data("no database".utf8).write(to: URL(filePath: text))
            let other = "\(fixture.folder)/other"
            try await DatabaseQueue(path: other).write {
                try $0.execute(sql: "CREATE TABLE things (id INTEGER)")
            }
            let empty = "\(fixture.folder)/empty"
            try Data().write(to: URL(filePath: empty))
            for file in [damaged, text, other, empty] {
                try expectRefusal(.unprocessableEntity, naming: file, fixture, fixture.restore(file: file))
            }
            let missing = "\(fixture.folder)/missing"
            try expectRefusal(.resourceNotFound, naming: missing, fixture, fixture.restore(file: missing))
        }
    }

    @Test("of a file that a server works on, since its last commits are in the log beside it")
    func live() async throws {
        try await RestoreFixture.with { fixture in
            let path = "\(fixture.folder)/live"
            try OldDatabase(version: 8).make(path)
            let live = try SQLiteDatabase(path: path)
            try await live.write { sql in _ = try sql.execute("UPDATE teams SET name = 'other'") }
            try expectRefusal(
                .unprocessableEntity, naming: "\(path)-wal", fixture, fixture.restore(file: path))
            try live.close()
        }
    }

    @Test("of a newer program's file")
    func newer() async throws {
        try await RestoreFixture.with { fixture in
            try await DatabaseQueue(path: fixture.backup).write {
                try $0.execute(sql: "INSERT INTO schema_version (version) VALUES (999)")
            }
            try expectRefusal(.internalServerError, naming: "999", fixture, fixture.restore())
        }
    }

    @Test("of another cell's file, unless that is asked for and nothing of this cell runs")
    func otherCell() async throws {
        try await RestoreFixture.with { fixture in
            let other = "\(fixture.folder)/other"
            try OldDatabase(version: 8, installationId: "cell-b").make("\(other).db")
            _ = try BackUpDatabase(database: "\(other).db", file: other).run()
            try expectRefusal(.conflict, naming: "cell-b", fixture, fixture.restore(file: other))
            try expectRefusal(
                .conflict, naming: "7", fixture,
                fixture.restore(
                    file: other, allowsOtherInstallation: true, onHost: MachinesOnHost(processes: [7])))
            let report = try fixture.restore(file: other, allowsOtherInstallation: true).run()
            #expect(report.backup.installationId == "cell-b")
        }
    }

    @Test("of a database that another program has open")
    func open() async throws {
        try await RestoreFixture.with { fixture in
            let open = try SQLiteDatabase(path: fixture.database)
            try expectRefusal(.conflict, naming: fixture.database, fixture, fixture.restore())
            let teams = try await open.read { sql in try sql.teams.count() }
            #expect(teams == 1)
        }
    }

    @Test("at any stage leaves the one or the other, whole, and can be done again", arguments: [false, true])
    func crash(damaged: Bool) async throws {
        for stage in RestoreDatabase.Stage.allCases {
            try await RestoreFixture.with { fixture in
                if damaged { try damage(fixture.database) }
                let before = try Data(contentsOf: URL(filePath: fixture.database))
                var restore = fixture.restore()
                // A process that ends there cleans nothing up, so neither does this: the files are as they were.
                let left = "\(fixture.folder)-left"
                // A leftover in /tmp breaks nothing.
                defer { try? FileManager.default.removeItem(atPath: left) }
                restore.visit = { reached in
                    guard reached == stage else { return }
                    try FileManager.default.copyItem(atPath: fixture.folder, toPath: left)
                    throw CloudError(.serviceUnavailable, "planted")
                }
                let error = #expect(throws: CloudError.self) { try restore.run() }
                #expect(error?.message == "planted", "\(stage)")
                let after = RestoreFixture(folder: left)
                if stage == .replaced {
                    #expect(try DatabaseFile(path: after.database).check().computes == 3)
                } else if damaged {
                    #expect(try Data(contentsOf: URL(filePath: after.database)) == before, "\(stage)")
                } else {
                    #expect(try DatabaseFile(path: after.database).check().lastEventId == 7, "\(stage)")
                    try SQLiteDatabase(path: after.database).close()
                }
                var again = after.restore()
                again.kept = "\(left)/kept again"
                try again.run()
                #expect(try DatabaseFile(path: after.database).check().computes == 3)
                let files = try after.files()
                #expect(!files.contains { $0.contains("restoring") })
            }
        }
    }

    private func expectRefusal(
        _ code: ErrorCode, naming name: String, _ fixture: RestoreFixture, _ restore: RestoreDatabase,
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        let before = try dump(fixture.database)
        let error = #expect(throws: CloudError.self, sourceLocation: location) { try restore.run() }
        #expect(error?.code == code, sourceLocation: location)
        #expect(error?.message.contains(name) == true, "\(error?.message ?? "")", sourceLocation: location)
        #expect(try dump(fixture.database) == before, sourceLocation: location)
        let files = try fixture.files()
        #expect(!files.contains { $0.contains("restoring") || $0 == "kept" }, sourceLocation: location)
    }
}

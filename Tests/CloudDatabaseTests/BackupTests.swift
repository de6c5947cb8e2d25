import CloudCore
import CloudTesting
import Foundation
import Testing

@testable import CloudDatabase

@Suite("A backup", .sqliteAlone)
struct BackupTests {
    @Test("beside writers is one snapshot, whole, private, and a single file")
    func snapshot() async throws {
        try await withTemporaryFolder { folder in
            let path = "\(folder)/db"
            try OldDatabase(version: Migrations.all.count).make(path)
            let database = try SQLiteDatabase(path: path)
            let rounds = 8
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<4 {
                    group.addTask {
                        for number in 0..<50 { try await Self.addTeam("\(writer)-\(number)", database) }
                    }
                }
                for round in 0..<rounds {
                    let figures = try BackUpDatabase(database: path, file: "\(folder)/backup-\(round)").run()
                    #expect(figures.installationId == "cell-a")
                }
                try await group.waitForAll()
            }
            let last = try BackUpDatabase(database: path, file: "\(folder)/last").run()
            #expect(last.teams == 201 && last.computes == 3 && last.schemaVersion == Migrations.all.count)
            #expect(last.lastEventId == 202 && last.lastEventAtMs == 20)
            #expect(try dump("\(folder)/last") == dump(path))
            for round in 0..<rounds {
                let copy = "\(folder)/backup-\(round)"
                let figures = try DatabaseFile(path: copy).check()
                // A team, its wallet and its event are of one transaction.
                #expect(figures.lastEventId == figures.teams + 1)
                let mode = try FileManager.default.attributesOfItem(atPath: copy)[.posixPermissions]
                #expect(mode as? Int == 0o600)
            }
            let files = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(files.filter { $0.hasPrefix("backup-") || $0.hasPrefix("last") }.count == rounds + 1)
        }
    }

    @Test("leaves the schema of an earlier program as it is, there and in the file", arguments: [1, 4, 7])
    func earlier(version: Int) async throws {
        try await withTemporaryFolder { folder in
            try OldDatabase(version: version).make("\(folder)/db")
            let before = try dump("\(folder)/db")
            let figures = try BackUpDatabase(database: "\(folder)/db", file: "\(folder)/backup").run()
            #expect(figures.schemaVersion == version && figures.teams == 1)
            #expect(try dump("\(folder)/db") == before)
            #expect(try dump("\(folder)/backup") == before)
        }
    }

    @Test("never replaces a file unasked, and leaves what was there when it fails")
    func existing() async throws {
        try await withTemporaryFolder { folder in
            let file = "\(folder)/backup"
            try OldDatabase(version: 8).make("\(folder)/db")
            try Data("mine".utf8).write(to: URL(filePath: file))
            let taken = #expect(throws: CloudError.self) {
                try BackUpDatabase(database: "\(folder)/db", file: file).run()
            }
            #expect(taken?.code == .conflict && taken?.message.contains(file) == true)
            let missing = #expect(throws: CloudError.self) {
                try BackUpDatabase(database: "\(folder)/none", file: file, replaces: true).run()
            }
            #expect(missing?.code == .resourceNotFound)
            #expect(try String(contentsOfFile: file, encoding: .utf8) == "mine")
            // What a backup leaves that was cut off does not stop the next.
            try Data("half".utf8).write(to: URL(filePath: "\(file).part"))
            _ = try BackUpDatabase(database: "\(folder)/db", file: file, replaces: true).run()
            #expect(try dump(file) == dump("\(folder)/db"))
            #expect(!FileManager.default.fileExists(atPath: "\(file).part"))
            let nowhere = #expect(throws: CloudError.self) {
                try BackUpDatabase(database: "\(folder)/db", file: "\(folder)/no/such/file").run()
            }
            #expect(nowhere?.message.contains("\(folder)/no/such/file") == true)
        }
    }

    @Test("of a damaged database is refused, and nothing is written")
    func damaged() async throws {
        try await withTemporaryFolder { folder in
            try OldDatabase(version: 8).make("\(folder)/db")
            try damage("\(folder)/db")
            let error = #expect(throws: CloudError.self) {
                try BackUpDatabase(database: "\(folder)/db", file: "\(folder)/backup").run()
            }
            #expect(error?.message.contains("\(folder)/db") == true)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["db"])
        }
    }

    private static func addTeam(_ name: String, _ database: SQLiteDatabase) async throws {
        try await database.write { sql in
            let index = try sql.teams.count()
            guard let network = IPv4Network(base: IPv4Address(UInt32(0x0B00_0000 + index * 1024)), prefix: 22)
            else { throw CloudError.bug("no network \(index)") }
            let id = try sql.teams.insert(name: name, network: network, nowMs: 20)
            try sql.events.append(
                Event(resourceId: nil, teamId: id, kind: "team.created", actor: .operator), nowMs: 20)
        }
    }
}

/// Overwrites the pages behind the first, as a broken disk would.
func damage(_ path: String) throws {
    let file = try FileHandle(forUpdating: URL(filePath: path))
    try file.seek(toOffset: 4096)
    try file.write(contentsOf: Data(repeating: 0x5A, count: 8192))
    try file.close()
}

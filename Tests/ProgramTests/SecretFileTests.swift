import CloudClient
import CloudControl
import CloudDatabase
import CloudTesting
import Foundation
import Testing

@testable import strettch

@Suite("Files that hold secrets")
struct SecretFileTests {
    @Test("are their owner's alone, in a folder that is open and after they were open themselves")
    func modes() async throws {
        try await withTemporaryFolder { folder in
            let data = "\(folder)/data"
            try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
            try setMode(0o755, data)
            #expect(try await admin(["team", "create", "a"], data) == 0)
            #expect(try open(data) == [])
            for name in ["strettch.sqlite", "strettch.sqlite.before-schema-3", "serve.json", "host-id"] {
                if !FileManager.default.fileExists(atPath: "\(data)/\(name)") {
                    #expect(
                        FileManager.default.createFile(atPath: "\(data)/\(name)", contents: Data("{}".utf8)))
                }
                try setMode(0o644, "\(data)/\(name)")
            }
            #expect(FileManager.default.createFile(atPath: "\(data)/mine.txt", contents: nil))
            try setMode(0o644, "\(data)/mine.txt")
            #expect(try await admin(["team", "create", "b"], data) == 0)
            #expect(try open(data) == ["mine.txt"])
        }
    }

    @Test("are so when they were backed up and restored, with all that is kept of what was there before")
    func restored() async throws {
        try await RealCloud.with(simulated: true) { cloud in
            let backup = "\(cloud.folder)/backup"
            #expect(try await admin(["backup", backup], cloud.data) == 0)
            try setMode(0o644, backup)
            #expect(try await admin(["backup", backup, "--force"], cloud.data) == 0)
            #expect(try open(cloud.folder).contains("backup") == false)
            try await cloud.end(SIGTERM)
            try setMode(0o644, backup)
            try setMode(0o644, "\(cloud.data)/strettch.sqlite")
            #expect(try await admin(["restore", backup, "--yes"], cloud.data) == 0)
            #expect(try open(cloud.data).filter { $0 != "simulated" } == [])
        }
    }

    @Test("are so while the database is open, with its log beside it")
    func companions() async throws {
        try await withTemporaryFolder { folder in
            for _ in 0..<2 {
                let database = try SQLiteDatabase(path: "\(folder)/strettch.sqlite")
                _ = try await database.read { sql in try sql.teams.count() }
                #expect(FileManager.default.fileExists(atPath: "\(folder)/strettch.sqlite-wal"))
                #expect(try open(folder) == [])
                try database.close()
                try setMode(0o644, "\(folder)/strettch.sqlite")
            }
        }
    }

    @Test("a server warns of its folder's mode, and tells a log where the first key is, not the key")
    func server() async throws {
        try await RealCloud.with(simulated: true) { cloud in
            #expect(try open(cloud.data).filter { $0 != "simulated" } == [])
            let log = try String(contentsOfFile: "\(cloud.folder)/serve.log", encoding: .utf8)
            let path = "\(cloud.folder)/credentials.json"
            let key = try #require(try CredentialsFile(path: path).read()).key
            #expect(!log.contains(key) && !log.contains("strettch_"))
            #expect(log.contains("The owner's API key is saved for 'strettch compute' in \(path)"))
            #expect(log.contains("Run: chmod 700 \(cloud.data)"))
        }
        #expect(FirstKey.lines("k", path: "/p", isTerminal: true).contains("shown this once: k\n"))
    }

    @Test(
        "a folder that others may only enter is no reason for a warning",
        arguments: [
            (0o700, nil), (0o711, nil), (0o755, "755"), (0o750, "750"), (0o1777, "1777"), (0o702, "702"),
        ])
    func folder(mode: Int, warned: String?) async throws {
        try await withTemporaryFolder { folder in
            try setMode(mode, folder)
            #expect(try DataFolder(path: folder).modeOpenToOthers == warned)
        }
    }

    /// The names in the folder that others than their owner may read, write or enter.
    private func open(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).filter {
            let mode = try FileManager.default.attributesOfItem(atPath: "\(folder)/\($0)")[.posixPermissions]
            return try #require(mode as? Int) & 0o077 != 0
        }.sorted()
    }

    private func setMode(_ mode: Int, _ path: String) throws {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    private func admin(_ arguments: [String], _ data: String) async throws -> Int32 {
        try await ProgramRun.of(["admin"] + arguments + ["--data", data]).status
    }
}

import Foundation
import Testing

@testable import CloudClient

@Suite("Credentials")
struct CredentialsTests {
    private let stored = Credentials(url: "http://127.0.0.1:8080", key: "secret")

    /// Runs `body` with a new folder that is removed afterwards.
    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = NSTemporaryDirectory() + "strettch-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }  // left behind, it harms nobody
        try body(folder)
    }

    private func mode(_ path: String) throws -> Int {
        let value = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions]
        return try #require(value as? Int)
    }

    private func setMode(_ mode: Int, _ path: String) throws {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    @Test("what is written is read again, from a file that is its owner's alone")
    func writeAndRead() throws {
        try withFolder { folder in
            let file = try CredentialsFile(environment: ["XDG_CONFIG_HOME": folder + "/config"])
            #expect(file.path == folder + "/config/strettch/credentials.json")
            #expect(try file.read() == nil)
            try file.write(Credentials(url: "http://old", key: "old"))
            try file.write(stored)
            #expect(try file.read() == stored)
            #expect(try mode(file.path) == 0o600)
            #expect(try mode(folder + "/config/strettch") == 0o700)
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: folder + "/config/strettch")
                    == ["credentials.json"])
        }
    }

    @Test("a file that others can read is refused", arguments: [0o644, 0o640, 0o604, 0o620])
    func openFile(wrong: Int) throws {
        try withFolder { folder in
            let file = CredentialsFile(path: folder + "/credentials.json")
            try file.write(stored)
            try setMode(wrong, file.path)
            let error = #expect(throws: ClientError.self) { try file.read() }
            #expect(error?.code == "INVALID_CREDENTIALS")
            #expect(error?.message.contains("Run: chmod 600 \(file.path)") == true)
            #expect(error?.message.contains("secret") == false)
        }
    }

    @Test("a folder that is there keeps its mode")
    func existingFolder() throws {
        try withFolder { folder in
            try setMode(0o755, folder)
            try CredentialsFile(path: folder + "/credentials.json").write(stored)
            #expect(try mode(folder) == 0o755)
        }
    }

    @Test("a file that holds something else is refused")
    func otherContent() throws {
        try withFolder { folder in
            let file = CredentialsFile(path: folder + "/credentials.json")
            try Data("{}".utf8).write(to: URL(filePath: file.path))
            try setMode(0o600, file.path)
            #expect(throws: ClientError.self) { try file.read() }
        }
    }

    @Test("the environment goes before the file, value by value")
    func environment() throws {
        try withFolder { folder in
            let path = folder + "/mine.json"
            try CredentialsFile(path: path).write(stored)
            let named = ["STRETTCH_CREDENTIALS": path]
            #expect(try Credentials.find(environment: named) == stored)
            let otherURL = named.merging(["STRETTCH_URL": "http://other"]) { $1 }
            #expect(
                try Credentials.find(environment: otherURL) == Credentials(url: "http://other", key: "secret")
            )
            let otherKey = named.merging(["STRETTCH_KEY": "k", "STRETTCH_URL": ""]) { $1 }
            #expect(try Credentials.find(environment: otherKey) == Credentials(url: stored.url, key: "k"))
            try setMode(0o644, path)
            let both = named.merging(["STRETTCH_KEY": "k", "STRETTCH_URL": "http://other"]) { $1 }
            #expect(try Credentials.find(environment: both) == Credentials(url: "http://other", key: "k"))
        }
    }

    @Test("without any the error says what to set")
    func none() throws {
        let environment = ["STRETTCH_CREDENTIALS": "/nowhere/credentials.json", "STRETTCH_URL": "http://a"]
        let error = #expect(throws: ClientError.self) { try Credentials.find(environment: environment) }
        #expect(error?.code == "NO_CREDENTIALS")
        #expect(
            error?.message.hasPrefix("There is no /nowhere/credentials.json. Set STRETTCH_KEY, or") == true)
    }

    @Test("a relative configuration folder is ignored")
    func relativeFolder() throws {
        let environment = ["XDG_CONFIG_HOME": "config", "HOME": "/home/a"]
        #expect(try CredentialsFile.configFolder(environment: environment) == "/home/a/.config/strettch")
    }

    @Test(
        "without HOME the system's list of users says where the home is",
        arguments: [[:], ["HOME": ""], ["HOME": "a"]])
    func noHome(environment: [String: String]) throws {
        let home = FileManager.default.homeDirectoryForCurrentUser.path
        #expect(HomeFolder.path(environment: environment).map { URL(filePath: $0).path } == home)
        #expect(try CredentialsFile.configFolder(environment: environment).hasSuffix("/.config/strettch"))
    }
}

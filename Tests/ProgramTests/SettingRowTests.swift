import ArgumentParser
import CloudCore
import CloudTesting
import Foundation
import Testing

@testable import strettch

@Suite("A row of the table of settings")
struct SettingRowTests {
    @Test("names each row as its property, reads each default as it is told, and each is used")
    func rows() throws {
        let rows = Mirror(reflecting: SettingTable.shared).children
        #expect(rows.compactMap(\.label) == SettingTable.all.map(\.name))
        let settings = try ServeSettings([])
        let uses = try FileManager.default.contentsOfDirectory(atPath: "\(Self.root)/Sources/strettch")
            .filter { $0.hasSuffix(".swift") && $0 != "SettingTable.swift" }
            .map { try Self.text("Sources/strettch/\($0)") }.joined()
        for row in SettingTable.all {
            let text = row.text(in: settings)
            #expect(text.isEmpty || row.value(of: text) != nil, "\(row.name): \(text)")
            #expect(row.help.hasSuffix("."), "\(row.name)")
            let use = try Regex("(settings|self)\\.\(row.name)(?![A-Za-z])")
            #expect(uses.firstMatch(of: use) != nil, "\(row.name) decides nothing")
        }
    }

    @Test("gives each setting a flag with its help")
    func flags() throws {
        let given = try Self.flags([])
        #expect(given.values.allSatisfy(\.isEmpty) && Set(given.keys) == Set(SettingTable.byName.keys))
        let some = try Self.flags(["--max-connections", "5", "--billing", "--listen=a", "--listen", "b"])
        #expect(
            some["maxConnections"] == ["5"] && some["billing"] == ["true"] && some["listen"] == ["a", "b"])
        let help = ServeCommand.helpMessage(columns: 500)
        for row in SettingTable.all {
            #expect(help.contains(row.flag) && help.contains(row.help), "\(row.name)")
        }
        #expect(help.contains("Value: a whole number of 1 to 100000. Default: 4096."))
    }

    @Test("knows every variable that the client reads, or that its page has")
    func clientVariables() throws {
        let tree = [
            "Sources/CloudClient/Credentials.swift", "Sources/CloudClient/CredentialsFile.swift",
            "docs/cli.md",
        ]
        for path in tree {
            let names = try Self.text(path).matches(of: /STRETTCH_[A-Z_]+[A-Z]/).map { String($0.output) }
            #expect(!names.isEmpty && EnvironmentNames.known.isSuperset(of: names), "\(path): \(names)")
        }
    }

    @Test(
        "never shows a password, in whichever setting it was given",
        arguments: SettingTable.all.filter { !$0.isFlag }.map(\.name),
        ["postgresql://cloud:never-shown@db/cloud", "host=db password=never-shown"])
    func secrets(_ name: String, secret: String) async throws {
        let setting = try #require(SettingTable.byName[name])
        for text in [
            "\(name): \(secret)", "\(name): [\(secret)]", "\(secret): x", "\(name): \(secret)\n\(name): 1",
        ] {
            let error = await #expect(throws: CloudError.self) {
                try await ServeSettings.ofFile("\(text)\nzebra: 1")
            }
            #expect(error.map(OutputText.error)?.contains("never-shown") == false, "\(text)")
        }
        var variables = ["STRETTCH_RATE_LIMIT": "x"]
        variables[setting.variable] = secret
        let error = #expect(throws: CloudError.self) { try SettingSources.environment(variables) }
        #expect(error.map(OutputText.error)?.contains("never-shown") == false)
    }

    private static func flags(_ arguments: [String]) throws -> [String: [String]] {
        let command = try Strettch.parseAsRoot(["serve"] + arguments)
        return try #require(command as? ServeCommand).flags.given
    }

    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    private static func text(_ path: String) throws -> String {
        try String(contentsOfFile: "\(root)/\(path)", encoding: .utf8)
    }
}

import ArgumentParser
import CloudClient
import CloudCore
import CloudMachines
import CloudTesting
import CloudWire
import Foundation
import Testing

@testable import strettch

@Suite("strettch admin")
struct AdminCommandTests {
    @Test("a team's life: made with a key, given others, shown, deleted")
    func life() async throws {
        try await withTemporaryFolder { folder in
            let owner = try await admin(["team", "create", "payments"], folder)
            #expect(owner.output.wholeMatch(of: /strettch_[0-9a-f]{48}/) != nil)
            #expect(owner.note.contains("owner") && !owner.note.contains(owner.output))

            let made = try await admin(
                ["key", "create", "payments", "ci", "--role", "Admin", "--json"], folder)
            let key = try JSONDecoder().decode(KeyWire.self, from: Data(made.output.utf8))
            #expect(key.role == "Admin")
            #expect(key.key?.hasPrefix("strettch_") == true)

            let list = try await admin(["team", "list"], folder).output.split(separator: "\n")
            #expect(list.count == 2)
            #expect(list[1].hasPrefix("1   payments  ACTIVE    10.0.0.0/22  2     0"))
            let shown = try await admin(["team", "show", "payments"], folder).output
            #expect(shown.contains("network    10.0.0.0/22"))
            #expect(shown.contains("ci     Admin"))

            #expect(
                try await admin(["key", "revoke", "payments", "ci"], folder).output == "ci (2) is revoked.")
            let keys = try await admin(["key", "list", "payments"], folder).output
            #expect(!keys.contains("ci"))
            #expect(
                try await admin(["team", "delete", "payments", "--yes"], folder).output
                    == "payments is deleted, and its keys are revoked.")
            #expect(try await admin(["team", "list", "--json"], folder).output == "[\n\n]")
        }
    }

    @Test("a team is suspended, resumed and given money, once for each reference")
    func standing() async throws {
        try await withTemporaryFolder { folder in
            _ = try await admin(["team", "create", "a"], folder)
            for _ in 0..<2 {
                let said = try await admin(["team", "top-up", "a", "12000.5", "--reference", "p-1"], folder)
                #expect(said.output == "a got 12000.500 RWF (p-1). The balance was then 12000.500 RWF.")
            }
            let corrected = try await admin(
                ["team", "correct", "a", "--by", "-0.5", "--reference", "c-1", "--json"], folder)
            #expect(corrected.output.contains("\"amount\" : \"-0.500\""))
            #expect(corrected.output.contains("\"balance\" : \"12000.000\""))
            let suspended = try await admin(["team", "suspend", "a", "--reason", "abuse"], folder)
            #expect(suspended.output == "a is SUSPENDED. Its balance is 12000.000 RWF.")
            let resumed = try await admin(["team", "resume", "a", "--json"], folder)
            #expect(resumed.output.contains("\"standing\" : \"ACTIVE\""))
        }
    }

    @Test("a refusal has its words and its status")
    func refusals() async throws {
        try await withTemporaryFolder { folder in
            _ = try await admin(["team", "create", "a"], folder)
            for (arguments, exit) in [
                (["team", "create", "a"], ProgramExit.conflict), (["team", "create", ""], .refused),
                (["team", "show", "b"], .notFound), (["team", "delete", "b", "--yes"], .notFound),
                (["key", "list", "b"], .notFound), (["key", "create", "b", "x"], .notFound),
                (["key", "create", "a", "owner"], .conflict), (["key", "revoke", "a", "x"], .notFound),
                (["team", "top-up", "a", "1e3", "--reference", "p"], .refused),
                (["team", "suspend", "b"], .notFound), (["team", "resume", "b"], .notFound),
                (["host", "evacuate", "h", "--fenced"], .notFound), (["host", "evacuate", "h"], .refused),
            ] {
                let error = await #expect(throws: CloudError.self, "\(arguments)") {
                    let parsed = try Strettch.parseAsRoot(
                        ["admin"] + arguments + ["--data", "\(folder)/data"])
                    var command = try #require(parsed as? any AsyncParsableCommand)
                    try await command.run()
                }
                #expect(error.map { ProgramExit($0) } == exit, "\(arguments)")
            }
        }
    }

    @Test(
        "what is no command is told by the argument parser",
        arguments: [
            ["key", "create", "a", "x", "--role", "Boss"], ["key", "create", "a"], ["create-team", "a"],
        ])
    func usage(_ arguments: [String]) {
        let error = #expect(throws: (any Error).self) { try Strettch.parseAsRoot(["admin"] + arguments) }
        #expect(error.map { Strettch.exitCode(for: $0).rawValue } == ProgramExit.usage.rawValue)
    }

    @Test(
        "a key that is revoked while the server runs opens nothing from then on",
        .enabled(if: RealCloud.isRoot, "bridges need root"))
    func besideServer() async throws {
        try await RealCloud.with { cloud in
            let key = try await cloud.strettch(
                "admin", "key", "create", "default", "ci", "--data", cloud.data
            )
            .trimmingCharacters(in: .whitespacesAndNewlines)
            let regions = try await cloud.client(key: key) { try await $0.regions() }.data
            #expect(!regions.isEmpty)
            try await cloud.strettch("admin", "key", "revoke", "default", "ci", "--data", cloud.data)
            let error = await #expect(throws: (any Error).self) {
                try await cloud.client(key: key) { try await $0.regions() }
            }
            #expect("\(error.map { "\($0)" } ?? "")".contains("UNAUTHORIZED"))
            _ = try await cloud.client { try await $0.regions() }
            try await cloud.end(SIGTERM)
            // The owner's key: noted at its use above, and written at the end, before the minute is over.
            let keys = try await cloud.strettch("admin", "key", "list", "default", "--data", cloud.data)
            #expect(keys.contains("first owner"))
            #expect(!keys.contains("never"))
        }
    }

    /// Runs a command of the operator's on a data folder of its own.
    private func admin(_ arguments: [String], _ folder: String) async throws -> (output: String, note: String)
    {
        let said = try await Command(
            ProgramTestPaths.program, ["admin"] + arguments + ["--data", "\(folder)/data"]
        ).run()
        return (said.standardOutput.trimmingCharacters(in: .newlines), said.standardError)
    }
}

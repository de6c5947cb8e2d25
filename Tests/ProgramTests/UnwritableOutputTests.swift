import CloudMachines
import CloudTesting
import Foundation
import Testing

@testable import strettch

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

@Suite("Output that can't be written")
struct UnwritableOutputTests {
    @Test("is an error of every command on the server's own machine, help and version too")
    func full() async throws {
        try await withTemporaryFolder { folder in
            let data = ["--data", "\(folder)/data"]
            _ = try await ProgramRun.of(["admin", "team", "create", "a"] + data)
            for arguments in [
                ["--help"], ["--version"], ["serve", "--help"], ["--generate-completion-script", "bash"],
                ["admin", "image", "list"] + data, ["admin", "image", "list", "--json"] + data,
                ["admin", "team", "list"] + data,
                ["admin", "team", "show", "a", "--json"] + data, ["doctor"] + data,
                ["admin", "host", "list"] + data,
            ] {
                let run = try await toFull(arguments)
                #expect(run.status == ProgramExit.failure.rawValue, "\(arguments)")
                #expect(run.error.contains("Standard output can't be written (No space left"), "\(run.error)")
            }
        }
    }

    @Test("is an error of every command of the API, also as JSON and for what was done")
    func api() async throws {
        try await RealCloud.with(simulated: true) { cloud in
            let environment = [
                "STRETTCH_CREDENTIALS": "\(cloud.folder)/credentials.json", "HOME": cloud.folder,
            ]
            _ = try await cloud.create("one")
            for arguments in [
                ["compute", "list"], ["compute", "list", "--json"], ["compute", "get", "one"], ["audit"],
                ["billing"], ["compute", "delete", "one", "--yes"],
            ] {
                let run = try await toFull(arguments, environment: environment)
                #expect(run.status == ProgramExit.failure.rawValue, "\(arguments)")
                #expect(run.error.contains("error: Standard output can't be written"), "\(run.error)")
            }
        }
    }

    @Test("takes back the key that nobody saw, and the team that would have no other")
    func keys() async throws {
        try await withTemporaryFolder { folder in
            let data = ["--data", "\(folder)/data"]
            _ = try await ProgramRun.of(["admin", "team", "create", "a"] + data)
            for more in [[], ["--json"]] {
                let run = try await toFull(["admin", "key", "create", "a", "ci"] + more + data)
                #expect(run.status == ProgramExit.failure.rawValue)
                #expect(run.error.contains("It is revoked."), "\(run.error)")
            }
            let gone = try await toNobody(["admin", "key", "create", "a", "ci"] + data)
            #expect(gone.status == ProgramExit.failure.rawValue && gone.error.contains("It is revoked."))
            let keys = try await ProgramRun.of(["admin", "key", "list", "a"] + data)
            #expect(keys.status == 0 && keys.output.contains("owner") && !keys.output.contains("ci"))

            let team = try await toFull(["admin", "team", "create", "b"] + data)
            #expect(team.status == ProgramExit.failure.rawValue)
            #expect(team.error.contains("The team is deleted again."), "\(team.error)")
            #expect(try await ProgramRun.of(["admin", "team", "create", "b"] + data).status == 0)
        }
    }

    @Test("ends a command without words when the reader has gone, as after head")
    func readerGone() async throws {
        try await withTemporaryFolder { folder in
            for arguments in [["--help"], ["admin", "image", "list", "--data", "\(folder)/data"]] {
                let run = try await toNobody(arguments)
                #expect(run.status == ProgramExit.readerGone.rawValue, "\(arguments)")
                #expect(run.error == "")
            }
        }
    }

    @Test("is an error where it is closed, and no file gets its number")
    func closed() async throws {
        try await withTemporaryFolder { folder in
            let data = "\(folder)/data"
            for arguments in [["admin", "team", "create", "a"], ["admin", "team", "list"]] {
                let said = try await Command(
                    "bash", ["-s", "--", ProgramTestPaths.program] + arguments + ["--data", data],
                    input: "status=0; \"$@\" >&- || status=$?; echo \"status $status\""
                ).run()
                #expect(said.standardOutput == "status 1\n")
                #expect(said.standardError.contains("Standard output can't be written (Bad file descriptor"))
            }
            let all = try await Command(
                "bash", ["-s", "--", ProgramTestPaths.program, "admin", "team", "list", "--data", data],
                input: "status=0; \"$@\" <&- 2>&- || status=$?; echo \"status $status\""
            ).run()
            #expect(all.standardOutput.hasSuffix("status 0\n"))
            for name in try FileManager.default.contentsOfDirectory(atPath: data) {
                let bytes = try Data(contentsOf: URL(filePath: "\(data)/\(name)"))
                #expect(!String(decoding: bytes, as: UTF8.self).contains("There are no teams"), "\(name)")
            }
        }
    }

    private func toFull(_ arguments: [String], environment: [String: String] = [:]) async throws -> ProgramRun
    {
        let full = try FileDescriptor.open("/dev/full", .writeOnly, options: .closeOnExec)
        let run = try await ProgramRun.of(arguments, environment: environment, to: full)
        try full.close()
        return run
    }

    /// Into a pipe that nobody reads.
    private func toNobody(_ arguments: [String]) async throws -> ProgramRun {
        let (reader, writer) = try FileDescriptor.pipe()
        try reader.close()
        let run = try await ProgramRun.of(arguments, to: writer)
        try writer.close()
        return run
    }
}

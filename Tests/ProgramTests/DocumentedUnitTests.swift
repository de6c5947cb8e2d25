import CloudClient
import CloudMachines
import CloudTesting
import Foundation
import Testing

@testable import strettch

@Suite("The systemd unit of docs/operate.md")
struct DocumentedUnitTests {
    @Test(
        "makes its first start in the environment that systemd gives it, without a home",
        .enabled(if: RealCloud.isRoot, "a mount namespace needs root"))
    func firstStart() async throws {
        let command = try Self.command(in: try Self.document())
        #expect(command.first == "/usr/local/bin/strettch" && command.contains("/etc/strettch.yaml"))
        try await withTemporaryFolder { folder in
            try "simulated: true\nlisten: unix:\(folder)/s\n".write(
                toFile: "\(folder)/strettch.yaml", atomically: true, encoding: .utf8)
            let started = command.map {
                switch $0 {
                case "/usr/local/bin/strettch": ProgramTestPaths.program
                case "/etc/strettch.yaml": "\(folder)/strettch.yaml"
                default: $0
                }
            }
            // What the unit writes lies in folders of the host that are covered here, and seen by this test below folder.
            for path in ["lib", "root"] {
                try FileManager.default.createDirectory(
                    atPath: "\(folder)/\(path)", withIntermediateDirectories: true)
            }
            try Self.script.write(toFile: "\(folder)/start", atomically: true, encoding: .utf8)
            try await Command("unshare", ["--mount", "--", "bash", "\(folder)/start", folder] + started)
                .startDetached(log: "\(folder)/log")
            let credentials = CredentialsFile(path: "\(folder)/root/.config/strettch/credentials.json")
            do {
                try await eventually("the unit's server answers", within: .seconds(30)) {
                    guard let known = try credentials.read() else { return false }
                    return
                        (try? await StrettchClient.with(baseURL: known.url, key: known.key) {  // nil: not yet
                            try await $0.health()
                        }) != nil
                }
            } catch {
                let log = try String(contentsOfFile: "\(folder)/log", encoding: .utf8)
                Issue.record("\(error)\n\(log)")
            }
            #expect(FileManager.default.fileExists(atPath: "\(folder)/lib/strettch/strettch.sqlite"))
            for pid in try NamedProcesses.all(naming: ["\(folder)/strettch.yaml"]) { kill(pid, SIGTERM) }
            try await eventually("the unit's server is gone") {
                try NamedProcesses.all(naming: ["\(folder)/strettch.yaml"]).isEmpty
            }
        }
    }

    /// Becomes the unit's command, with the variables that systemd gives to a service of root's (systemd.exec(5)).
    private static let script = """
        set -e
        folder=$1
        shift
        mount --bind "$folder/lib" /var/lib
        mount --bind "$folder/root" /root
        exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
            INVOCATION_ID=0123456789abcdef0123456789abcdef JOURNAL_STREAM=8:1 SYSTEMD_EXEC_PID=$$ "$@"

        """

    /// The words of the unit's ExecStart.
    private static func command(in document: String) throws -> [String] {
        let line = try #require(document.split(separator: "\n").first { $0.contains("ExecStart=") })
        let words = try #require(line.split(separator: "=", maxSplits: 1).last)
        return words.split(separator: " ").map(String.init)
    }

    private static func document() throws -> String {
        let path = URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "../../docs/operate.md")
        return try String(contentsOf: path.standardizedFileURL, encoding: .utf8)
    }
}

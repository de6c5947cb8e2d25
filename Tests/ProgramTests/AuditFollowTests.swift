import CloudClient
import CloudMachines
import CloudTesting
import CloudWire
import Foundation
import Testing

@Suite("strettch audit --follow", .serialized)
struct AuditFollowTests {
    @Test(
        "goes on over a restart of the server, says so, and shows each event once, in order",
        arguments: [SIGTERM, SIGKILL])
    func restart(_ signal: Int32) async throws {
        try await RealCloud.with(simulated: true) { cloud in
            let log = try await follow(cloud)
            _ = try await cloud.wait(try await cloud.create("first"), until: "RUNNING")
            try await eventually("what happened is shown") { try await isWhole(log, cloud) }
            try await cloud.end(signal)
            try await eventually("it says that the server is away") {
                try lines(log).contains { $0.hasSuffix("Trying again until it answers.") }
            }
            try await cloud.start()
            _ = try await cloud.wait(try await cloud.create("second"), until: "RUNNING")
            try await eventually("what happened since is shown") { try await isWhole(log, cloud) }
            let notes = try lines(log).filter { !$0.hasPrefix("{") }
            #expect(notes.count == 1, "\(notes)")
        }
    }

    /// Starts it, and returns the path of what it prints.
    private func follow(_ cloud: RealCloud) async throws -> String {
        let file = try CredentialsFile(environment: [
            "STRETTCH_CREDENTIALS": "\(cloud.folder)/credentials.json"
        ])
        let credentials = try #require(try file.read())
        let (keyFile, log) = ("\(cloud.folder)/key.txt", "\(cloud.folder)/follow.log")
        try credentials.key.write(toFile: keyFile, atomically: true, encoding: .utf8)
        // Its command line names the folder, so it ends with the cloud.
        let arguments = ["audit", "--follow", "--json", "--url", credentials.url, "--key-file", keyFile]
        try await Command("env", ["-i", cloud.program] + arguments).startDetached(log: log)
        return log
    }

    private func lines(_ log: String) throws -> [Substring] {
        try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
    }

    /// Whether it has shown all that the audit log has, in its order.
    private func isWhole(_ log: String, _ cloud: RealCloud) async throws -> Bool {
        let all = try await cloud.client { client in
            try await StrettchClient.newest(1000) { try await client.auditLog(limit: $0, cursor: $1) }
        }
        let shown = try lines(log).compactMap {
            $0.firstMatch(of: /^\{.*?"id":"([0-9]+)"/).map { String($0.1) }
        }
        return shown == all.map(\.id).reversed()
    }
}

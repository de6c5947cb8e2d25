import CloudCore
import Foundation

@testable import CloudMachines

/// Debian's cloud-init, unpacked by `scripts/install-dependencies test` and never installed, which reads user data as it
/// does in a guest.
struct CloudInit {
    /// What it makes of one user data.
    struct Reading: Decodable {
        /// Content type and text of each part that it finds.
        var parts: [[String]]
        var hooks: [String]
        var config: Config
        var scripts: [String]
        /// What handlers wrote that the user data brought: type and text.
        var handled: [[String?]]
        /// Why it gave up on all of it.
        var error: String?
        var warnings: [String]
    }

    /// The members of a cloud-config that tests look at.
    struct Config: Decodable {
        struct User: Decodable {
            var name: String
            var ssh_authorized_keys: [String]?
        }
        var users: [User]?
        var hostname: String?
        var disable_root: Bool?
        var runcmd: [String]?
    }

    static let folder =
        (ProcessInfo.processInfo.environment["XDG_CACHE_HOME"] ?? "\(NSHomeDirectory())/.cache")
        + "/strettch/cloud-init"
    private static let script =
        URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().path + "/CloudInit/consume.py"

    static func read(_ userData: [Data]) async throws -> [Reading] {
        guard FileManager.default.fileExists(atPath: "\(folder)/usr") else {
            throw CloudError(
                .serviceUnavailable, "There is no \(folder). Run: scripts/install-dependencies test")
        }
        let input = try JSONEncoder().encode(userData.map { $0.base64EncodedString() })
        let output = try await Command(
            "python3", ["-S", script, folder], input: String(decoding: input, as: UTF8.self)
        ).run().standardOutput
        return try JSONDecoder().decode([Reading].self, from: Data(output.utf8))
    }

    /// As a client packs text: gzip, in base64.
    static func packed(_ text: String) async throws -> String {
        let program =
            "import base64, gzip, sys; print(base64.b64encode(gzip.compress(sys.stdin.buffer.read())).decode())"
        return try await Command("python3", ["-c", program], input: text).run().standardOutput
    }
}

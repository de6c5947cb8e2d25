import CloudMachines
import CloudWire
import Foundation

/// The key pair of a test's owner, and what is done with it.
struct GuestLogin: Sendable {
    /// The public key is beside it.
    let privateKey: String

    /// Makes the pair.
    func make() async throws {
        try await Command(
            "ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "test@here", "-f", privateKey]
        ).run()
    }

    /// The arguments of ssh for a command in a guest, as its root.
    func ssh(_ address: String, port: String, _ command: String) -> [String] {
        [
            "-i", privateKey, "-p", port, "-o", "StrictHostKeyChecking=no", "-o",
            "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "BatchMode=yes", "-o",
            "ConnectTimeout=20", "root@\(address)", command,
        ]
    }

    /// The create of the documentation's page, with this key.
    func request(
        _ hostName: String, tags: [String] = [], withPublicIp: Bool
    ) throws -> CreateComputeWire {
        CreateComputeWire(
            hostName: hostName, image: "TINY-1", region: "KGL-1", specification: "S-1C",
            publicKeys: [
                try String(contentsOfFile: "\(privateKey).pub", encoding: .utf8)
                    .trimmingCharacters(in: .whitespacesAndNewlines)
            ],
            tags: tags, withPublicIp: withPublicIp)
    }
}

/// Processes, found by what their command lines name.
enum NamedProcesses {
    /// Every process but this one whose command line has all the texts.
    static func all(naming texts: [String]) throws -> [pid_t] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { entry in
            guard let pid = pid_t(entry), pid != getpid(),
                // A process may end while it is looked at.
                let line = try? Data(contentsOf: URL(filePath: "/proc/\(pid)/cmdline"))
            else { return nil }
            let text = String(decoding: line, as: UTF8.self)
            return texts.allSatisfy(text.contains) ? pid : nil
        }
    }
}

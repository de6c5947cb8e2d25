import CloudMachines
import Foundation

extension RealCloud {
    /// Where the mount namespace of `anotherBoot` is kept.
    var boot: String { "\(folder)/boot" }

    /// What a command is put behind so that it sees the host's next boot: a mount namespace in which the kernel tells
    /// another boot id. Once for each cloud.
    func anotherBoot() async throws -> [String] {
        try FileManager.default.createDirectory(atPath: boot, withIntermediateDirectories: false)
        // A mount namespace can be kept on a mount alone that is shared with nobody.
        try await Command("mount", ["--bind", boot, boot]).run()
        try await Command("mount", ["--make-private", boot]).run()
        let mounts = "\(boot)/mounts"
        for (path, text) in [(mounts, ""), ("\(boot)/id", "\(UUID().uuidString.lowercased())\n")] {
            try text.write(toFile: path, atomically: false, encoding: .utf8)
        }
        try await Command("unshare", ["--mount=\(mounts)", "--propagation", "private", "true"]).run()
        let enter = ["nsenter", "--mount=\(mounts)"]
        try await Command(
            enter[0], [enter[1], "mount", "--bind", "\(boot)/id", "/proc/sys/kernel/random/boot_id"]
        ).run()
        return enter
    }
}

import CloudClient
import CloudCore
import Foundation

extension DataFolder {
    /// Holds the text by which the host is known again, whatever its name.
    private var hostIdentityFile: String { path + "/host-id" }

    /// Random bytes of an identity: no two hosts, and no two stores of disks, ever have the same.
    private static let identityBytes = 16

    static func randomText() -> String {
        SystemRandom.bytes(identityBytes).map { String(format: "%02x", $0) }.joined()
    }

    /// The host's identity; `nil` before the first start.
    func knownHostIdentity() throws -> String? {
        guard FileManager.default.fileExists(atPath: hostIdentityFile) else { return nil }
        let text = try String(contentsOfFile: hostIdentityFile, encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        guard !text.isEmpty else {
            throw CloudError(
                .conflict,
                "\(hostIdentityFile) is empty. Write the host's identity into it, which the database has in its table "
                    + "hosts; or delete it, and the host joins the cell as a new one.")
        }
        return text
    }

    /// The host's identity, made at the first start. The folder must be locked.
    func hostIdentity() throws -> String {
        if let known = try knownHostIdentity() { return known }
        let identity = Self.randomText()
        do {
            try PrivateFile.replace(hostIdentityFile, with: Data("\(identity)\n".utf8))
        } catch {
            throw CloudError(
                .serviceUnavailable,
                "\(hostIdentityFile) can't be written. Check the free space of its disk, and its folder's owner.",
                detail: error.reason)
        }
        return identity
    }
}

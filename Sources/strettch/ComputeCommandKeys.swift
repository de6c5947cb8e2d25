import Foundation

/// The SSH public keys that a new compute gets.
enum ComputeCommandKeys {
    /// The largest file that is read for keys, in bytes.
    private static let maxFileBytes = 65_536

    /// The keys in the files, or in the user's own `~/.ssh/id_*.pub` where no file is named.
    ///
    /// - Throws: `CommandFailure` when a file can't be read or holds a private key, or there is no key at all.
    static func read(files: [String], home: String?) throws -> [String] {
        let paths = files.isEmpty ? try ownFiles(home: home) : files
        let keys = try paths.flatMap {
            try Self.keys(in: CommandFile.text($0, maxBytes: maxFileBytes), path: $0)
        }
        guard !keys.isEmpty else {
            throw CommandFailure(
                .refused,
                "There is no key in \(paths.joined(separator: ", ")). Name a public key with --key FILE.")
        }
        return keys
    }

    /// The lines of a text that are neither empty nor comments.
    static func keys(in text: String, path: String) throws -> [String] {
        guard !text.contains("PRIVATE KEY") else {
            throw CommandFailure(
                .refused,
                "\(path) holds a private key, which must not leave this machine. Name \(path).pub instead.")
        }
        return text.split(whereSeparator: \.isNewline)
            .map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { !$0.isEmpty && !$0.hasPrefix("#") }
    }

    private static func ownFiles(home: String?) throws -> [String] {
        let folder = (home ?? "") + "/.ssh"
        let found = try? FileManager.default.contentsOfDirectory(atPath: folder)  // see the error below
        let names = found ?? []
        let own = names.filter { $0.hasPrefix("id_") && $0.hasSuffix(".pub") }.sorted()
        guard !own.isEmpty else {
            throw CommandFailure(
                .refused,
                "There is no \(folder)/id_*.pub. Make a key with `ssh-keygen -t ed25519`, or name one with --key FILE."
            )
        }
        return own.map { "\(folder)/\($0)" }
    }
}

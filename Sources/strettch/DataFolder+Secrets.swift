import CloudCore
import Foundation

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The files in the folder hold key hashes, user data and all that guests are told: they are their owner's alone, whatever
/// mode the folder has.
extension DataFolder {
    /// Read, write and enter, for group and others.
    private static let others: mode_t = 0o077
    /// Read and write, for group and others. To enter is no harm: each file has its own mode.
    private static let listing: mode_t = 0o066

    /// Gives mode 600 to what an earlier program, another umask or a copy by hand left readable by others: the database,
    /// its companions and kept copies, and what the server wrote beside it. Files of another owner are left alone.
    func keepSecrets() throws {
        let prefix = URL(filePath: database).lastPathComponent
        for name in try FileManager.default.contentsOfDirectory(atPath: path)
        where name.hasPrefix(prefix) || ["serve.json", "host-id"].contains(name) {
            try Self.makePrivate("\(path)/\(name)")
        }
    }

    /// The folder's mode, in octal digits, when others than its owner may list or change it; else `nil`.
    var modeOpenToOthers: String? {
        guard let status = Self.status(path), status.st_mode & Self.listing != 0 else { return nil }
        return String(status.st_mode & 0o7777, radix: 8)
    }

    private static func makePrivate(_ file: String) throws {
        guard let status = status(file), status.st_mode & S_IFMT == S_IFREG, status.st_mode & others != 0,
            geteuid() == 0 || geteuid() == status.st_uid
        else { return }
        // Safe: the path is copied for the call. What is no plain file was left out above.
        guard chmod(file, 0o600) == 0 else {
            throw CloudError(
                .serviceUnavailable,
                "\(file) can be read by others, and its mode can't be changed. Run: chmod 600 \(file)",
                detail: String(cString: strerror(errno)))
        }
    }

    /// `nil` when nothing has the name. A link is looked at itself.
    private static func status(_ path: String) -> stat? {
        var status = stat()
        // Safe: the path is copied for the call, and the struct is ours.
        return lstat(path, &status) == 0 ? status : nil
    }
}

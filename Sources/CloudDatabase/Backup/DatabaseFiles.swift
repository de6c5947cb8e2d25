import CloudCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What a backup and a restore do to whole files, which are our own user's alone. Each error names the path.
enum DatabaseFiles {
    /// What SQLite keeps beside a database file: it belongs to that file alone, whatever its name says.
    static let companions = ["-wal", "-shm", "-journal"]

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// Bytes; 0 when there is no such file.
    static func size(_ path: String) -> Int64 {
        var status = stat()
        // Safe: the path is a C string for the call's duration, and the struct is ours.
        return stat(path, &status) == 0 ? Int64(status.st_size) : 0
    }

    /// Makes an empty file for our own user alone. Throws when there is one.
    static func make(_ path: String) throws(CloudError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("made", path) }
        close(descriptor)
    }

    /// Makes the file, if it is missing, and it and what SQLite keeps beside it our own user's alone. SQLite gives the mode of
    /// the database to whatever it makes beside it. Nothing is opened that somebody may have open: closing it would end the
    /// locks that this process holds on it (SQLite, "How To Corrupt An SQLite Database File", 2.2).
    static func keepPrivate(_ path: String) throws(CloudError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if descriptor >= 0 { close(descriptor) }
        for name in [path] + companions.map({ path + $0 }) {
            var status = stat()
            // Safe: the path is a C string for the call's duration, and the struct is ours.
            guard stat(name, &status) == 0, status.st_mode & 0o077 != 0 else { continue }
            guard chmod(name, 0o600) == 0 else { throw failure("made private", name) }
        }
    }

    /// Removes the file and what SQLite keeps beside it. Nothing to remove is success.
    static func remove(_ path: String) throws(CloudError) {
        for name in [path] + companions.map({ path + $0 }) {
            guard unlink(name) == 0 || errno == ENOENT else { throw failure("removed", name) }
        }
    }

    /// Copies the bytes into a new file for our own user alone, and waits until they are on the disk.
    static func copy(_ from: String, to path: String) throws(CloudError) {
        do {
            try FileManager.default.copyItem(atPath: from, toPath: path)
        } catch {
            throw failure("copied to \(path)", from, detail: "\(error)")
        }
        guard chmod(path, 0o600) == 0 else { throw failure("made private", path) }
        try sync(path)
    }

    /// Gives a finished file its name, in the place of what has it. After a crash at any point one of the two is there,
    /// whole.
    static func replace(_ path: String, with finished: String) throws(CloudError) {
        try sync(finished)
        guard rename(finished, path) == 0 else { throw failure("renamed to \(path)", finished) }
        try sync(folder(of: path))
    }

    /// As `replace`, but throws `CONFLICT` when something has the name.
    static func publish(_ finished: String, as path: String) throws(CloudError) {
        try sync(finished)
        guard link(finished, path) == 0 else {
            throw errno == EEXIST ? taken(path) : failure("named \(path)", finished)
        }
        guard unlink(finished) == 0 else { throw failure("removed", finished) }
        try sync(folder(of: path))
    }

    static func taken(_ path: String) -> CloudError {
        CloudError(.conflict, "\(path) is there already. Give another name, or --force to replace it.")
    }

    /// Waits until the bytes of a file, or the names in a folder, are on the disk.
    static func sync(_ path: String) throws(CloudError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("opened", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("written to the disk", path) }
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func failure(_ what: String, _ path: String, detail: String? = nil) -> CloudError {
        let reason = detail ?? String(cString: strerror(errno))
        return CloudError(
            .serviceUnavailable,
            "\(path) can't be \(what): \(reason). Check that its folder exists, its owner, and the free space."
        )
    }
}

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
#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// The file operations that images need beyond Foundation's: durable, atomic, and with errors that name the path.
enum HostFiles {
    /// What tells cheaply that a file is not the one that was there before.
    struct Stamp: Equatable {
        var size: Int64
        var modifiedNs: Int64
    }

    /// `nil` when there is no such file.
    static func stamp(_ path: String) -> Stamp? {
        var status = stat()
        // Safe: the path is a C string for the call's duration, and the struct is ours.
        guard stat(path, &status) == 0 else { return nil }
        #if canImport(Glibc)
            let modified = status.st_mtim
        #else
            let modified = status.st_mtimespec
        #endif
        return Stamp(
            size: Int64(status.st_size),
            modifiedNs: Int64(modified.tv_sec) * 1_000_000_000 + Int64(modified.tv_nsec))
    }

    /// Makes the folder and those above it, with mode 0755, since QEMU reads images as another user.
    static func makeFolder(_ path: String) throws(CloudError) {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        } catch {
            throw failure("make the folder \(path)", "\(error)")
        }
    }

    /// Removes a file or a folder with all that is in it. Nothing to remove is success.
    static func remove(_ path: String) throws(CloudError) {
        guard exists(path) else { return }
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            throw failure("remove \(path)", "\(error)")
        }
    }

    /// Whether anything has this name, a dangling link included.
    static func exists(_ path: String) -> Bool {
        var status = stat()
        // Safe: as in `stamp`.
        return lstat(path, &status) == 0
    }

    /// Replaces what is there. Not synced: who needs that calls `sync`.
    static func write(_ bytes: some Sequence<UInt8>, to path: String) throws(CloudError) {
        do {
            let file = try FileDescriptor.open(
                FilePath(path), .writeOnly, options: [.create, .truncate, .closeOnExec],
                permissions: [.ownerReadWrite, .groupRead, .otherRead])
            _ = try file.closeAfter { try file.writeAll(bytes) }
        } catch {
            throw failure("write \(path)", "\(error)")
        }
    }

    /// The whole of a small file; `nil` when it is not there or can't be read.
    static func read(_ path: String) -> [UInt8]? {
        FileManager.default.contents(atPath: path).map { [UInt8]($0) }
    }

    /// Replaces `to` if it exists and is a file or a link.
    static func move(_ from: String, to: String) throws(CloudError) {
        // Safe: both paths are C strings for the call's duration.
        guard rename(from, to) == 0 else { throw failure("rename \(from) to \(to)", lastError()) }
    }

    /// Makes `link` point to `target` (relative to the link's folder), replacing an older link atomically.
    static func replaceLink(_ link: String, target: String) throws(CloudError) {
        let new = link + ".new"
        try remove(new)
        // Safe: both paths are C strings for the call's duration.
        guard symlink(target, new) == 0 else { throw failure("make the link \(new)", lastError()) }
        try move(new, to: link)
    }

    static func setMode(_ path: String, _ mode: mode_t) throws(CloudError) {
        // Safe: the path is a C string for the call's duration.
        guard chmod(path, mode) == 0 else { throw failure("change the mode of \(path)", lastError()) }
    }

    /// Returns when the file's or folder's contents have reached the disk.
    static func sync(_ path: String) throws(CloudError) {
        // Safe: the descriptor is closed on every way out.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open \(path)", lastError()) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("write \(path) to the disk", lastError()) }
    }

    /// Bytes that this user may still write on the file system of an existing folder.
    static func freeBytes(_ folder: String) throws(CloudError) -> UInt64 {
        var status = statvfs()
        // Safe: the path is a C string for the call's duration, and the struct is ours.
        guard statvfs(folder, &status) == 0 else {
            throw failure("measure the free space of \(folder)", lastError())
        }
        return UInt64(status.f_bavail) * UInt64(status.f_frsize)
    }

    /// Where the program is, by PATH unless it has a slash; `nil` when it is not on this machine.
    static func program(_ name: String) -> String? {
        if name.contains("/") { return exists(name) ? name : nil }
        return searchPath.split(separator: ":").map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
    }

    /// PATH with root's programs as well, which an ordinary user's may lack.
    static var searchPath: String {
        (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin") + ":/usr/sbin:/sbin"
    }

    static var isRoot: Bool { geteuid() == 0 }

    private static func lastError() -> String { String(cString: strerror(errno)) }

    private static func failure(_ what: String, _ why: String) -> CloudError {
        CloudError(.internalServerError, "The host could not \(what): \(why).")
    }
}

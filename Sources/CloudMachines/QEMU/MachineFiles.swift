import CloudCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(System)
    import System
#else
    import SystemPackage
#endif
#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What we do to machines' files, which are our own user's alone; each error names the path. What changes something takes
/// the name of the effect; `nil` where it is for no machine.
enum MachineFiles {
    /// The names in a folder.
    static func names(in folder: String) throws(CloudError) -> [String] {
        var names: [String] = []
        try attempt("list", folder) { names = try FileManager.default.contentsOfDirectory(atPath: folder) }
        return names
    }

    /// The machines that have a folder of their own in `folder`.
    static func ids(in folder: String) throws(CloudError) -> Set<Int64> {
        Set(try names(in: folder).compactMap { Int64($0) })
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// The beginning of a file, at most `limit` bytes, or `nil` when it can't be read. Fit for /proc, whose files
    /// don't tell their size.
    static func bytes(_ path: String, limit: Int) -> [UInt8]? {
        let opened = try? FileDescriptor.open(path, .readOnly, options: .closeOnExec)  // nil: unreadable
        guard let file = opened else { return nil }
        defer { close(file.rawValue) }
        var bytes = [UInt8](repeating: 0, count: limit)
        var count = 0
        while count < limit {
            let read = try? bytes.withUnsafeMutableBytes {  // `nil` answers every failure
                try file.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[count...]))
            }
            guard let read else { return nil }
            if read == 0 { break }
            count += read
        }
        return Array(bytes.prefix(count))
    }

    static func text(_ path: String, limit: Int) -> String? {
        bytes(path, limit: limit).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The last `limit` bytes of a file; empty when it can't be read.
    static func tail(_ path: String, limit: Int) -> String {
        let opened = try? FileDescriptor.open(path, .readOnly, options: .closeOnExec)  // "": unreadable
        guard let file = opened else { return "" }
        defer { close(file.rawValue) }
        let size = (try? file.seek(offset: 0, from: .end)) ?? 0  // the same
        var bytes = [UInt8](repeating: 0, count: limit)
        let read = try? bytes.withUnsafeMutableBytes {  // the same
            try file.read(fromAbsoluteOffset: max(0, size - Int64(limit)), into: $0)
        }
        return String(decoding: bytes.prefix(read ?? 0), as: UTF8.self)
    }

    /// Makes the folder, and those above it, for our own user alone. An existing one is left as it is.
    static func makeFolder(_ path: String, as effect: HostEffect?) async throws {
        try await effect.make {
            try attempt("make the folder", path) {
                try FileManager.default.createDirectory(
                    atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            }
        }
    }

    /// Writes a file for our own user alone, whole or not at all.
    static func write(
        _ bytes: some Collection<UInt8>, to path: String, as effect: HostEffect?
    ) async throws {
        try await effect.make { try replace(path, with: bytes) }
    }

    private static func replace(_ path: String, with bytes: some Collection<UInt8>) throws(CloudError) {
        let temporary = "\(path).new"
        try drop(temporary)
        try attempt("write", temporary) { try Data(bytes).write(to: URL(filePath: temporary)) }
        try moveIntoPlace(temporary, path)
    }

    /// Makes an empty file for our own user alone. An existing one is left as it is.
    static func touch(_ path: String) throws(CloudError) {
        try attempt("make", path) {
            let file = try FileDescriptor.open(
                path, .writeOnly, options: [.create, .closeOnExec], permissions: .ownerReadWrite)
            try file.close()
        }
    }

    /// Writes over a part of a file that others have open, and waits until that is on the disk.
    static func overwrite(_ path: String, at offset: Int, with bytes: [UInt8]) throws(CloudError) {
        try attempt("write", path) {
            let file = try FileDescriptor.open(path, .writeOnly, options: .closeOnExec)
            defer { close(file.rawValue) }
            try file.writeAll(toAbsoluteOffset: Int64(offset), bytes)
            try check(fsync(file.rawValue))
        }
    }

    /// Writes a text into a file of the kernel's, which takes it as one order.
    static func tell(_ path: String, _ text: String) throws(CloudError) {
        try attempt("write '\(text)' into", path) {
            let file = try FileDescriptor.open(
                path, .writeOnly, options: [.create, .truncate, .closeOnExec], permissions: .ownerReadWrite)
            defer { close(file.rawValue) }
            try file.writeAll(Array(text.utf8))
        }
    }

    /// Gives a finished file its name. After a crash at any point there is the old file or the whole new one.
    static func publish(_ temporary: String, to path: String, as effect: HostEffect) async throws {
        try await effect.make { try moveIntoPlace(temporary, path) }
    }

    private static func moveIntoPlace(_ temporary: String, _ path: String) throws(CloudError) {
        try attempt("make private", temporary) { try check(chmod(temporary, 0o600)) }
        try sync(temporary)
        try attempt("rename to \(path)", temporary) { try check(rename(temporary, path)) }
        try sync(FilePath(path).removingLastComponent().string)
    }

    /// Gives a file or folder another name, in the same folder, which nothing has yet.
    static func move(_ path: String, to other: String) throws(CloudError) {
        try attempt("rename to \(other)", path) {
            guard !exists(other) else { throw Errno(rawValue: EEXIST) }
            try check(rename(path, other))
        }
        try sync(FilePath(path).removingLastComponent().string)
    }

    /// Gives a folder a place in another folder, under a name that nothing has yet. False when it is not there: somebody
    /// else was quicker.
    static func take(_ path: String, to other: String, as effect: HostEffect) async throws -> Bool {
        try await effect.make {
            var isOurs = false
            try attempt("rename to \(other)", path) {
                isOurs = rename(path, other) == 0
                guard isOurs || errno == ENOENT else { throw Errno(rawValue: errno) }
            }
            guard isOurs else { return false }
            for folder in [other, path] { try sync(FilePath(folder).removingLastComponent().string) }
            return true
        }
    }

    /// Removes a file. Nothing to remove is success.
    static func remove(_ path: String, as effect: HostEffect?) async throws {
        try await effect.make { try drop(path) }
    }

    /// The same for a file that can be large. Another program does, since that can block for seconds.
    static func removeLarge(_ path: String, as effect: HostEffect) async throws {
        guard exists(path) else { return try await remove(path, as: effect) }
        try await Command("rm", ["-f", "--", path]).run(as: effect)
    }

    private static func drop(_ path: String) throws(CloudError) {
        try attempt("remove", path) {
            guard unlink(path) != 0, errno != ENOENT else { return }
            throw Errno(rawValue: errno)
        }
    }

    /// Removes an empty folder. Nothing to remove is success.
    static func removeFolder(_ path: String, as effect: HostEffect) async throws {
        try await effect.make {
            try attempt("remove", path) {
                guard rmdir(path) != 0, errno != ENOENT else { return }
                throw Errno(rawValue: errno)
            }
        }
    }

    /// Waits until the bytes of a file, or the names in a folder, are on the disk.
    private static func sync(_ path: String) throws(CloudError) {
        try attempt("flush", path) {
            let file = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
            defer { close(file.rawValue) }
            try check(fsync(file.rawValue))
        }
    }

    private static func check(_ result: Int32) throws { if result != 0 { throw Errno(rawValue: errno) } }

    private static func attempt(_ what: String, _ path: String, _ body: () throws -> Void) throws(CloudError)
    {
        do { try body() } catch {
            throw CloudError(
                .internalServerError, "The host could not work on the machine's files.",
                detail: "\(what) \(path): \(error). Look at the folder's owner and the free space.")
        }
    }
}

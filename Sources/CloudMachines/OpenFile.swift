import CloudCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A file, socket or device that is open for as long as the value lives. What was looked at through it is what is used,
/// whatever has its name by then.
final class OpenFile: Sendable {
    let descriptor: Int32

    /// The descriptor is closed with the value.
    init(owning descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// Opens a regular file. Follows no link and waits for nobody, as a pipe's opening would.
    ///
    /// - Parameter isAlone: it must have this one name.
    static func regular(
        _ path: String, writable: Bool = false, isAlone: Bool = false
    ) throws(CloudError) -> OpenFile {
        let access = writable ? O_RDWR : O_RDONLY
        // Safe: here and below, the path is a C string for the call's duration.
        let file = try adopt(
            open(path, access | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC), "open", path)
        var status = stat()
        // Safe: writes to the local alone.
        guard fstat(file.descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            !isAlone || status.st_nlink == 1
        else {
            throw failure(
                "open", path, "it is not a regular file with one name, but a link, a device or a pipe")
        }
        return file
    }

    /// Makes a file for our own user alone, where nothing has its name, to be read and written.
    static func new(_ path: String) throws(CloudError) -> OpenFile {
        try adopt(open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600), "make", path)
    }

    /// Opens a file to append to, and makes it, for our own user alone, unless it is there.
    static func log(_ path: String) throws(CloudError) -> OpenFile {
        try adopt(
            open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0o600), "open",
            path)
    }

    static func null() throws(CloudError) -> OpenFile {
        try adopt(open("/dev/null", O_RDWR | O_CLOEXEC), "open", "/dev/null")
    }

    /// A pipe that holds what is written into it, up to 64 KiB, until it is read.
    static func pipe() throws(CloudError) -> (reader: OpenFile, writer: OpenFile) {
        var ends: [Int32] = [-1, -1]
        // Safe: writes two descriptors into an array of two.
        guard makePipe(&ends) == 0 else { throw failure("make", "a pipe", String(cString: strerror(errno))) }
        let pipe = (OpenFile(owning: ends[0]), OpenFile(owning: ends[1]))
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return pipe
    }

    /// A unix socket at `path`, where nothing is, that listens for our own user alone.
    static func listener(_ path: String) throws(CloudError) -> OpenFile {
        #if canImport(Glibc)
            let stream = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        #else
            let stream = SOCK_STREAM
        #endif
        let socket = try adopt(makeSocket(stream), "make a socket for", path)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard path.utf8.count <= MachineDirectory.socketPathLimit else {
            throw failure("listen at", path, "the path is too long for a socket")
        }
        // Safe: the path is shorter than the field, which is filled with zeros.
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) { address in
            // Safe: a sockaddr_un is what an address of this family is.
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket.descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard bound == 0, chmod(path, 0o600) == 0, listen(socket.descriptor, backlog) == 0 else {
            throw failure("listen at", path, String(cString: strerror(errno)))
        }
        return socket
    }

    /// Connections that wait to be accepted; QEMU serves one at a time.
    private static let backlog: Int32 = 16

    /// The first `limit` bytes, or as many as there are; what it is read from need not be at its beginning.
    func beginning(_ limit: Int) throws(CloudError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: limit)
        var count = 0
        while count < limit {
            // Safe: reads at most what is left of the array's bytes.
            let read = bytes.withUnsafeMutableBytes {
                pread(descriptor, $0.baseAddress.map { $0 + count }, limit - count, off_t(count))
            }
            guard read >= 0 else { throw Self.failure("read", "a file", String(cString: strerror(errno))) }
            if read == 0 { break }
            count += read
        }
        return Array(bytes.prefix(count))
    }

    /// What is in a pipe now, at most 64 KiB.
    func available() -> [UInt8] {
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while bytes.count < 64 << 10 {
            // Safe: reads at most the array's size into it.
            let count = read(descriptor, &chunk, chunk.count)
            guard count > 0 else { break }
            bytes += chunk.prefix(count)
        }
        return bytes
    }

    /// Whether a pipe, into which nobody writes, has nobody any more who could.
    var isAtEnd: Bool {
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        var byte: UInt8 = 0
        // Safe: reads at most one byte into the local.
        return read(descriptor, &byte, 1) == 0
    }

    /// Writes all of it, at most 64 KiB into a pipe that is empty.
    func write(_ bytes: [UInt8]) throws(CloudError) {
        // Safe: writes from the array alone. A pipe that is empty takes this much at once (pipe(7)).
        guard writeBytes(descriptor, bytes, bytes.count) == bytes.count else {
            throw Self.failure("write", "a pipe", String(cString: strerror(errno)))
        }
    }

    private static func adopt(
        _ descriptor: Int32, _ what: String, _ path: String
    ) throws(CloudError) -> OpenFile {
        guard descriptor >= 0 else { throw failure(what, path, String(cString: strerror(errno))) }
        return OpenFile(owning: descriptor)
    }

    static func failure(_ what: String, _ path: String, _ why: String) -> CloudError {
        CloudError(
            .internalServerError, "The host could not work on the machine's files.",
            detail: "\(what) \(path): \(why). Look at the folder, its owner and the free space.")
    }
}

/// The names of the C library, which those of the methods above hide.
private func makePipe(_ ends: inout [Int32]) -> Int32 { pipe(&ends) }
private func writeBytes(_ descriptor: Int32, _ bytes: [UInt8], _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
private func makeSocket(_ kind: Int32) -> Int32 { socket(AF_UNIX, kind, 0) }

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The unix socket under a connection to a monitor. It is ours, and not the channel's alone, since no channel sends open
/// files.
enum MonitorSocket {
    /// A socket that is connected. Waits for nobody: a monitor that has too many callers refuses.
    static func connect(to path: String) throws(QMPError) -> CInt {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // One byte stays for the end.
        guard path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw .cannotConnect(path: path, reason: "the path is too long for a socket")
        }
        // Safe: the path is shorter than the field, which is filled with zeros.
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let descriptor = socket(AF_UNIX, stream, 0)
        guard descriptor >= 0 else { throw failure(path) }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        let result = withUnsafePointer(to: &address) { address in
            // Safe: a sockaddr_un is what an address of this family is.
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connectSocket(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else {
            let error = failure(path)
            close(descriptor)
            throw error
        }
        return descriptor
    }

    /// Sends a line, at most some hundred bytes, with an open file beside it (unix(7), SCM_RIGHTS). False when not all of it
    /// could be sent at once.
    static func send(_ line: [UInt8], with file: CInt, over socket: CInt) -> Bool {
        var line = line
        let headerSize = MemoryLayout<cmsghdr>.size
        let control = UnsafeMutableRawBufferPointer.allocate(
            byteCount: headerSize + MemoryLayout<Int>.size, alignment: MemoryLayout<cmsghdr>.alignment)
        defer { control.deallocate() }
        control.initializeMemory(as: UInt8.self, repeating: 0)
        var header = cmsghdr()
        header.cmsg_len = numericCast(headerSize + MemoryLayout<CInt>.size)
        header.cmsg_level = SOL_SOCKET
        header.cmsg_type = rights
        control.storeBytes(of: header, as: cmsghdr.self)
        control.storeBytes(of: file, toByteOffset: headerSize, as: CInt.self)
        let count = line.count
        // Safe: all that the message points to lives until the call has returned.
        let sent = line.withUnsafeMutableBytes { bytes in
            var part = iovec(iov_base: bytes.baseAddress, iov_len: count)
            return withUnsafeMutablePointer(to: &part) { part in
                var message = msghdr()
                message.msg_iov = part
                message.msg_iovlen = 1
                message.msg_control = control.baseAddress
                message.msg_controllen = numericCast(control.count)
                return sendmsg(socket, &message, noSignal)
            }
        }
        return sent == count
    }

    private static func failure(_ path: String) -> QMPError {
        .cannotConnect(path: path, reason: String(cString: strerror(errno)))
    }

    /// SCM_RIGHTS, which is 1 on every system.
    private static let rights: CInt = 1

    #if canImport(Glibc)
        private static let stream = CInt(SOCK_STREAM.rawValue)
        private static let noSignal = CInt(MSG_NOSIGNAL)
    #else
        private static let stream = SOCK_STREAM
        private static let noSignal: CInt = 0
    #endif
}

/// The C library's, whose name the method above hides.
private func connectSocket(_ socket: CInt, _ address: UnsafePointer<sockaddr>, _ length: socklen_t) -> CInt {
    connect(socket, address, length)
}

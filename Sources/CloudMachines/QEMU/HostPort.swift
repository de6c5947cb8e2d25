#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The port of the host that leads to a guest's SSH is held by another program, so the machine needs another one.
public struct SSHPortTaken: Error, Sendable, Equatable {
    public var port: Int

    public init(port: Int) { self.port = port }
}

/// Ports of the host's loopback.
enum HostPort {
    /// Throws when another program listens on the port. Whatever else is wrong with it, QEMU will say.
    static func check(_ port: Int) throws(SSHPortTaken) {
        #if canImport(Glibc)
            let stream = Int32(SOCK_STREAM.rawValue)
        #else
            let stream = SOCK_STREAM
        #endif
        // Safe: the descriptor is closed below; the addresses are locals of the sizes told.
        let descriptor = socket(AF_INET, stream, 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        // As QEMU binds it, so that a connection that has just ended is no hindrance.
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(truncatingIfNeeded: port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian  // 127.0.0.1
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if bound != 0, errno == EADDRINUSE { throw SSHPortTaken(port: port) }
    }
}

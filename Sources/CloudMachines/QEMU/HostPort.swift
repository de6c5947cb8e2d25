import CloudCore

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

/// Ports of the host.
enum HostPort {
    /// Throws when another program listens on the port of the loopback. Whatever else is wrong with it, QEMU will say.
    static func check(_ port: Int) throws(SSHPortTaken) {
        let loopback = IPv4Address(0x7F00_0001)  // 127.0.0.1
        if tryBinding(loopback, port) == EADDRINUSE { throw SSHPortTaken(port: port) }
    }

    /// The error number of a socket that is bound to the port, and listens there where that is asked; 0 when it works.
    static func tryBinding(_ address: IPv4Address, _ port: Int, andListening listens: Bool = false) -> Int32 {
        #if canImport(Glibc)
            let stream = Int32(SOCK_STREAM.rawValue)
        #else
            let stream = SOCK_STREAM
        #endif
        // Safe: the descriptor is ours, checked, and closed on every path below.
        let descriptor = socket(AF_INET, stream, 0)
        guard descriptor >= 0 else { return errno }
        defer { close(descriptor) }
        var reuse: Int32 = 1
        // Safe: reads the local alone. Without it a program that has just ended would look like one that runs.
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<Int32>.size))
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = in_port_t(UInt16(truncatingIfNeeded: port).bigEndian)
        name.sin_addr.s_addr = address.value.bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        // Safe: a sockaddr_in is passed as the sockaddr that it begins with, with its own size.
        let bound = withUnsafePointer(to: &name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) }
        }
        return bound == 0 && (!listens || listen(descriptor, 1) == 0) ? 0 : errno
    }
}

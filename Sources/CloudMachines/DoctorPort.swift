import CloudCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Whether the server could listen where it is told to.
struct DoctorPort: Sendable {
    /// An IPv4 address, or `localhost`; other names are not looked up.
    var host: String
    var port: Int

    var finding: DoctorFinding {
        let check = "Port"
        guard let address = IPv4Address(host == "localhost" ? "127.0.0.1" : host) else {
            return DoctorFinding(check, .ok, "\(host):\(port) is not looked at, since it is no IPv4 address")
        }
        switch Self.tryListening(address, port) {
        case 0: return DoctorFinding(check, .ok, "\(host):\(port) is free")
        case EADDRINUSE:
            return DoctorFinding(
                check, .warning, "\(host):\(port) is taken, which is well if 'strettch serve' runs already",
                remedy: "'ss -ltnp' says by whom; choose another with --listen")
        case EACCES:
            return DoctorFinding(
                check, .failed, "port \(port) needs root", remedy: "choose one from 1024 up with --listen")
        case let code:
            return DoctorFinding(
                check, .failed, "\(host):\(port) can't be listened on: \(String(cString: strerror(code)))",
                remedy: "choose an address of this host with --listen")
        }
    }

    /// The error number of a socket that tries it; 0 when it works.
    private static func tryListening(_ address: IPv4Address, _ port: Int) -> Int32 {
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
        // Safe: reads the local alone. Without it a server that has just ended would look like one that runs.
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
        return bound == 0 && listen(descriptor, 1) == 0 ? 0 : errno
    }
}

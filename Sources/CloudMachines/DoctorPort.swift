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
    var check = "Port"
    /// What is set to choose another.
    var setting = "--listen"

    var finding: DoctorFinding {
        guard let address = IPv4Address(host == "localhost" ? "127.0.0.1" : host) else {
            return DoctorFinding(check, .ok, "\(host):\(port) is not looked at, since it is no IPv4 address")
        }
        switch HostPort.tryBinding(address, port, andListening: true) {
        case 0: return DoctorFinding(check, .ok, "\(host):\(port) is free")
        case EADDRINUSE:
            return DoctorFinding(
                check, .warning, "\(host):\(port) is taken, which is well if 'strettch serve' runs already",
                remedy: "'ss -ltnp' says by whom; choose another with \(setting)")
        case EACCES:
            return DoctorFinding(
                check, .failed, "port \(port) needs root", remedy: "choose one from 1024 up with \(setting)")
        case let code:
            return DoctorFinding(
                check, .failed, "\(host):\(port) can't be listened on: \(String(cString: strerror(code)))",
                remedy: "choose an address of this host with \(setting)")
        }
    }
}

import CloudCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What a tap says of the process that should have opened it. Asked of the kernel, in the network of this process.
enum TapState: Sendable, Equatable {
    case absent
    /// Somebody has taken it down, and it tells nothing while it is.
    case down
    /// Up, and no process has opened it.
    case unused
    /// Up, and open.
    case used

    #if os(Linux)
        /// Throws `.internalServerError` when the kernel can't be asked.
        init(of name: String) throws(CloudError) {
            let socket = Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            guard socket >= 0 else { throw Self.failure("socket", errno) }
            defer { close(socket) }
            var request = ifreq()
            // Safe: copies at most the field's own size, with its end, into a local.
            withUnsafeMutableBytes(of: &request.ifr_ifrn.ifrn_name) { field in
                field.copyBytes(from: name.utf8.prefix(field.count - 1))
            }
            // Safe: the request is a local of the type that this call reads and writes (netdevice(7)).
            guard ioctl(socket, UInt(SIOCGIFFLAGS), &request) == 0 else {
                guard errno == ENODEV else { throw Self.failure("SIOCGIFFLAGS of \(name)", errno) }
                self = .absent
                return
            }
            let flags = Int32(request.ifr_ifru.ifru_flags)
            // An interface that nobody has opened has no carrier, so it is up and does not run.
            self =
                flags & Int32(IFF_UP) == 0
                ? .down : flags & Int32(IFF_RUNNING) == 0 ? .unused : .used
        }
    #else
        init(of name: String) throws(CloudError) { throw Self.failure("taps", ENOTSUP) }
    #endif

    private static func failure(_ what: String, _ errno: Int32) -> CloudError {
        CloudError(
            .internalServerError, "The host's interfaces can't be looked at. Look at the host's log.",
            detail: "\(what): errno \(errno)")
    }
}

import CloudCore
import NIOCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Where a request comes from, as far as the number of requests is concerned.
enum Peer: Hashable, Sendable {
    case ipv4(UInt32)
    /// The first 64 bits: a customer's line has at least such a block, so one address of it more or less says nothing.
    case ipv6Network(UInt64)
    /// This machine, over a unix socket.
    case local

    init(_ address: SocketAddress?) {
        guard let text = address?.ipAddress else {
            self = .local
            return
        }
        // Without a zone such as %eth0.
        let host = String(text.prefix { $0 != "%" })
        var bytes = [UInt8](repeating: 0, count: 16)
        // Safe: reads a terminated copy of the text, and writes the 16 bytes of an IPv6 address to the local array.
        if inet_pton(AF_INET6, host, &bytes) == 1 {
            self = Self.ipv6(bytes)
        } else {
            self = IPv4Address(host).map { .ipv4($0.value) } ?? .local
        }
    }

    var ipv4Address: IPv4Address? {
        if case .ipv4(let value) = self { IPv4Address(value) } else { nil }
    }

    /// An IPv4 client of an IPv6 socket has an address of `::ffff:0:0/96` (RFC 4291, section 2.5.5.2).
    private static func ipv6(_ bytes: [UInt8]) -> Peer {
        if bytes.dropLast(4) == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF] {
            return .ipv4(bytes.suffix(4).reduce(0) { $0 << 8 | UInt32($1) })
        }
        return .ipv6Network(bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) })
    }
}

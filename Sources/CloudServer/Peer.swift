import CloudCore
import NIOCore

/// Where a request comes from, as far as the number of requests is concerned.
enum Peer: Hashable, Sendable {
    case ipv4(UInt32)
    /// The first 64 bits: a customer's line has at least such a block, so one address of it more or less says nothing.
    case ipv6Network(UInt64)
    /// This machine, over a unix socket.
    case local

    init(_ address: SocketAddress?) {
        switch address {
        // Safe: both read inside of a copy of the address. Behind two bytes each of family and port IPv4 has its four
        // (ip(7)), IPv6 four of flow information and then its sixteen (ipv6(7)).
        case .v4(let address):
            self = withUnsafeBytes(of: address.address) {
                .ipv4(UInt32(bigEndian: $0.loadUnaligned(fromByteOffset: 4, as: UInt32.self)))
            }
        case .v6(let address):
            self = withUnsafeBytes(of: address.address) { Self.ipv6(Array($0[8..<24])) }
        case .unixDomainSocket, nil: self = .local
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

import CloudCore
import NIOCore

/// Where a request comes from, as far as numbers of requests and connections are concerned.
enum Peer: Hashable, Sendable {
    case ipv4(UInt32)
    /// The first 64 bits: a customer's line has at least such a block, so one address of it more or less says nothing.
    case ipv6Network(UInt64)
    /// This machine, over a unix socket.
    case local

    init(_ address: SocketAddress?) { self = NetworkAddress(address)?.peer ?? .local }

    var ipv4Address: IPv4Address? {
        if case .ipv4(let value) = self { IPv4Address(value) } else { nil }
    }

    /// What a provider of IPv6 lines gives a customer at most without being asked (RFC 6177): the first 48 bits. Whoever has
    /// one has 65,536 of the networks that count as one peer.
    var site: UInt64? {
        if case .ipv6Network(let network) = self { network >> 16 } else { nil }
    }
}

import CloudCore
import NIOCore

/// An address of IPv4 or IPv6 as the 128 bits of IPv6; IPv4 has those of `::ffff:0:0/96` (RFC 4291, section 2.5.5.2), so
/// a client has one address, whichever socket it came by.
struct NetworkAddress: Hashable, Sendable {
    var high: UInt64
    var low: UInt64

    private static let mapped: UInt64 = 0xFFFF << 32

    /// `nil` for a unix socket.
    init?(_ address: SocketAddress?) {
        switch address {
        // Safe: both read inside of a copy of the address. Behind two bytes each of family and port IPv4 has its four
        // (ip(7)), IPv6 four of flow information and then its sixteen (ipv6(7)).
        case .v4(let address):
            self = withUnsafeBytes(of: address.address) {
                NetworkAddress(
                    IPv4Address(UInt32(bigEndian: $0.loadUnaligned(fromByteOffset: 4, as: UInt32.self))))
            }
        case .v6(let address):
            self = withUnsafeBytes(of: address.address) {
                NetworkAddress(
                    high: UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
                    low: UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: 16, as: UInt64.self)))
            }
        case .unixDomainSocket, nil: return nil
        }
    }

    /// Reads dotted decimal or the text of RFC 4291, section 2.2, without brackets, zone and port; `nil` for all else.
    init?(_ text: some StringProtocol) {
        guard text.contains(":") else {
            guard let address = IPv4Address(text) else { return nil }
            self.init(address)
            return
        }
        // Throws for what is no address: that is the answer. A zone would be taken.
        guard !text.contains("%"), let address = try? SocketAddress(ipAddress: String(text), port: 0) else {
            return nil
        }
        self.init(address)
    }

    init(_ address: IPv4Address) { self.init(high: 0, low: Self.mapped | UInt64(address.value)) }

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    var ipv4: IPv4Address? {
        guard high == 0, low >> 32 == Self.mapped >> 32 else { return nil }
        return IPv4Address(UInt32(truncatingIfNeeded: low))
    }

    /// Whether this machine alone has it: 127.0.0.0/8 and `::1`.
    var isLoopback: Bool { ipv4.map { $0.value >> 24 == 127 } ?? (high == 0 && low == 1) }

    var peer: Peer { ipv4.map { .ipv4($0.value) } ?? .ipv6Network(high) }
}

/// A block of addresses in CIDR notation (RFC 4632; RFC 4291, section 2.3).
struct AddressBlock: Hashable, Sendable {
    private let base: NetworkAddress
    /// The fixed leading bits of 128.
    private let prefix: Int

    /// Reads `10.0.0.0/8`, `fd00::/8`, and an address alone as the block that it is by itself; `nil` when a part is
    /// malformed or bits beyond the prefix are set.
    init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let base = NetworkAddress(parts[0]) else { return nil }
        let isIPv4 = !parts[0].contains(":")
        let length = isIPv4 ? 32 : 128
        var prefix = length
        if parts.count == 2 {
            guard let given = Int(parts[1]), String(given) == parts[1], (0...length).contains(given) else {
                return nil
            }
            prefix = given
        }
        self.base = base
        self.prefix = prefix + 128 - length
        guard base == masked(base) else { return nil }
    }

    func contains(_ address: NetworkAddress) -> Bool { masked(address) == base }

    private func masked(_ address: NetworkAddress) -> NetworkAddress {
        NetworkAddress(
            high: address.high & ~(UInt64.max >> UInt64(min(prefix, 64))),
            low: address.low & ~(UInt64.max >> UInt64(max(prefix - 64, 0))))
    }
}

/// An IPv4 address (RFC 791).
public struct IPv4Address: Sendable, Hashable, Comparable, CustomStringConvertible {
    public var value: UInt32

    public init(_ value: UInt32) { self.value = value }

    /// Reads dotted decimal: four numbers of 0 to 255 without leading zeros; `nil` for anything else.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            guard let byte = UInt8(part), String(byte) == part else { return nil }
            value = value << 8 | UInt32(byte)
        }
        self.value = value
    }

    public var description: String {
        "\(value >> 24).\(value >> 16 & 255).\(value >> 8 & 255).\(value & 255)"
    }

    public static func < (a: Self, b: Self) -> Bool { a.value < b.value }
}

/// A block of IPv4 addresses in CIDR notation (RFC 4632).
public struct IPv4Network: Sendable, Hashable, CustomStringConvertible {
    /// The lowest address of the block.
    public var base: IPv4Address
    /// The number of fixed leading bits, 0 to 32.
    public var prefix: Int

    /// Reads `10.0.0.0/22`; `nil` when a part is malformed or bits beyond the prefix are set.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let base = IPv4Address(parts[0]), let prefix = Int(parts[1]),
            String(prefix) == parts[1], let network = IPv4Network(base: base, prefix: prefix)
        else { return nil }
        self = network
    }

    /// `nil` when the prefix is not 0 to 32 or bits beyond it are set in `base`.
    public init?(base: IPv4Address, prefix: Int) {
        guard (0...32).contains(prefix) else { return nil }
        self.base = base
        self.prefix = prefix
        guard UInt64(base.value) % size == 0 else { return nil }
    }

    /// The block of that length that the address lies in.
    /// - Parameter prefix: below 0 counts as 0, above 32 as 32.
    public init(around address: IPv4Address, prefix: Int) {
        self.prefix = min(max(prefix, 0), 32)
        base = address
        base.value -= UInt32(UInt64(base.value) % size)
    }

    /// How many addresses the block has, at most 2^32.
    public var size: UInt64 { 1 << UInt64(32 - prefix) }
    public var last: IPv4Address { IPv4Address(UInt32(UInt64(base.value) + size - 1)) }
    /// The first usable address; in a team's network the host answers on it as gateway.
    public var gateway: IPv4Address { IPv4Address(base.value + 1) }
    public var description: String { "\(base)/\(prefix)" }

    public func contains(_ address: IPv4Address) -> Bool { address >= base && address <= last }

    public func contains(_ other: IPv4Network) -> Bool { contains(other.base) && contains(other.last) }

    /// The `index`th block of length `prefix` inside this one; `nil` past the end.
    public func subnet(_ index: UInt64, prefix: Int) -> IPv4Network? {
        guard prefix >= self.prefix, prefix <= 32, index < 1 << UInt64(prefix - self.prefix) else {
            return nil
        }
        return IPv4Network(
            base: IPv4Address(UInt32(UInt64(base.value) + index << UInt64(32 - prefix))), prefix: prefix)
    }
}

/// An Ethernet address (IEEE 802).
public struct MACAddress: Sendable, Hashable, CustomStringConvertible {
    public var bytes: [UInt8]

    /// The address of a compute's one interface: `52:54` (locally administered, as QEMU uses) and the private
    /// address, which is unique in the cell; so the table of addresses keeps this one unique too.
    public init(privateIpv4 address: IPv4Address) {
        let v = address.value
        bytes = [0x52, 0x54, UInt8(v >> 24), UInt8(v >> 16 & 255), UInt8(v >> 8 & 255), UInt8(v & 255)]
    }

    public var description: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
    }
}

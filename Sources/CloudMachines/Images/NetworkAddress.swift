import CloudCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// An IPv4 or IPv6 address as its bytes. An IPv6 address that stands for an IPv4 one (RFC 4291, section 2.5.5.2) is that one.
struct NetworkAddress: Sendable, Hashable {
    /// 4 or 16.
    var bytes: [UInt8]

    init(bytes: [UInt8]) {
        let isMapped =
            bytes.count == 16 && bytes[..<10].allSatisfy { $0 == 0 } && bytes[10...11] == [255, 255]
        self.bytes = isMapped ? Array(bytes[12...]) : bytes
    }

    /// `nil` for anything but an address in its usual form.
    init?(_ text: String) {
        if let ipv4 = IPv4Address(text) {
            let value = ipv4.value
            self.init(bytes: [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> UInt32($0)) })
            return
        }
        var found = in6_addr()
        // Safe: the text is a C string for the call's duration, and the struct is what an address of this family is read into.
        guard inet_pton(AF_INET6, text, &found) == 1 else { return nil }
        self.init(bytes: withUnsafeBytes(of: &found) { Array($0) })
    }

    var ipv4: IPv4Address? {
        bytes.count == 4 ? IPv4Address(bytes.reduce(0) { $0 << 8 | UInt32($1) }) : nil
    }

    /// Whether it is one of the internet's: neither private nor of special purpose (RFC 6890 and the registries of IANA that it
    /// names). Addresses that lead to others (NAT64, 6to4, Teredo) are not.
    var isPublic: Bool {
        if let ipv4 { return !Self.special.contains { $0.contains(ipv4) } }
        return begins([0x20], bits: 3) && !Self.specialIPv6.contains { begins($0.prefix, bits: $0.bits) }
    }

    private static let special = [
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
    ].compactMap { IPv4Network($0) }

    /// Within 2000::/3, outside of which nothing is public.
    private static let specialIPv6: [(prefix: [UInt8], bits: Int)] = [
        ([0x20, 0x01, 0x00, 0x00], 23), ([0x20, 0x01, 0x0D, 0xB8], 32), ([0x20, 0x02], 16),
        ([0x3F, 0xFF, 0x00], 20),
    ]

    private func begins(_ prefix: [UInt8], bits: Int) -> Bool {
        (0..<bits).allSatisfy { bit in
            let mask = UInt8(0x80) >> UInt8(bit % 8)
            return (bytes[bit / 8] ^ prefix[bit / 8]) & mask == 0
        }
    }

    /// Of all interfaces; empty when they can't be read.
    static func ofThisHost() -> Set<NetworkAddress> {
        var list: UnsafeMutablePointer<ifaddrs>?
        // Safe: the list is freed once it was read.
        guard getifaddrs(&list) == 0 else { return [] }
        defer { freeifaddrs(list) }
        var addresses: Set<NetworkAddress> = []
        var next = list
        while let entry = next?.pointee {
            if let address = entry.ifa_addr.flatMap(read) { addresses.insert(address) }
            next = entry.ifa_next
        }
        return addresses
    }

    private static func read(_ address: UnsafeMutablePointer<sockaddr>) -> NetworkAddress? {
        let raw = UnsafeRawPointer(address)
        // Safe: the family says which struct is there.
        switch Int32(address.pointee.sa_family) {
        case AF_INET:
            var found = raw.loadUnaligned(as: sockaddr_in.self).sin_addr
            return NetworkAddress(bytes: withUnsafeBytes(of: &found) { Array($0) })
        case AF_INET6:
            var found = raw.loadUnaligned(as: sockaddr_in6.self).sin6_addr
            return NetworkAddress(bytes: withUnsafeBytes(of: &found) { Array($0) })
        default: return nil
        }
    }
}

import CloudCore

/// Ethernet frames in hexadecimal, as a guest with bad intentions might send them.
enum NetworkFrame {
    static let ipv4: UInt16 = 0x0800
    static let arp: UInt16 = 0x0806
    static let vlan: UInt16 = 0x8100

    /// An Ethernet frame (IEEE 802.3); the type is of the payload.
    static func ethernet(to: String, from: String, type: UInt16, _ payload: [UInt8]) -> String {
        let padded = payload + Array(repeating: 0, count: max(0, 46 - payload.count))
        let head = to.filter { $0 != ":" } + from.filter { $0 != ":" }
        return head + hex(bytes(type) + padded)
    }

    /// An IPv4 packet without options (RFC 791) with a UDP header (RFC 768), and no data unless it is given.
    static func udp(
        from: String, to: String, sourcePort: UInt16 = 4000, port: UInt16 = 4000, data: [UInt8] = []
    ) throws -> [UInt8] {
        let header = bytes(sourcePort) + bytes(port) + bytes(UInt16(8 + data.count)) + [0, 0]
        return try ipv4(from: from, to: to, transport: 17, header + data)
    }

    /// What a UDP packet of VXLAN holds (RFC 7348): a frame of a network.
    static func vxlan(network: UInt16, frame: String) -> [UInt8] {
        let digits = Array(frame)
        let inner = stride(from: 0, to: digits.count, by: 2).compactMap {
            UInt8(String(digits[$0..<$0 + 2]), radix: 16)
        }
        return [8, 0, 0, 0, 0] + bytes(network) + [0] + inner
    }

    /// An IPv4 packet with a TCP header (RFC 9293) without data and options, and with a good checksum.
    static func tcp(from: String, to: String, port: UInt16, flags: UInt8) throws -> [UInt8] {
        var header = bytes(4000) + bytes(port) + [0, 0, 0, 1, 0, 0, 0, 0, 0x50, flags, 0x20, 0, 0, 0, 0, 0]
        let pseudo = try address(from) + address(to) + [0, 6] + bytes(UInt16(header.count))
        header.replaceSubrange(16..<18, with: bytes(checksum(pseudo + header)))
        return try ipv4(from: from, to: to, transport: 6, header)
    }

    private static func ipv4(from: String, to: String, transport: UInt8, _ payload: [UInt8]) throws
        -> [UInt8]
    {
        var header: [UInt8] =
            [0x45, 0] + bytes(UInt16(20 + payload.count)) + [0, 0, 0, 0, 64, transport, 0, 0]
        header += try address(from) + address(to)
        header.replaceSubrange(10..<12, with: bytes(checksum(header)))
        return header + payload
    }

    /// RFC 1071, of an even number of bytes.
    private static func checksum(_ data: [UInt8]) -> UInt16 {
        var sum: UInt32 = 0
        for index in stride(from: 0, to: data.count, by: 2) {
            sum += UInt32(data[index]) << 8 | UInt32(data[index + 1])
        }
        return ~UInt16((sum >> 16) + (sum & 0xffff))
    }

    /// An ARP reply (RFC 826).
    static func arpReply(hardware: String, from: String, target: String) throws -> [UInt8] {
        let sender = hardware.split(separator: ":").compactMap { UInt8($0, radix: 16) }
        return try [0, 1, 8, 0, 6, 4, 0, 2] + sender + address(from) + [0, 0, 0, 0, 0, 0] + address(target)
    }

    private static func address(_ text: String) throws -> [UInt8] {
        guard let address = IPv4Address(text) else { throw CloudError.bug("no address: \(text)") }
        return bytes(UInt16(address.value >> 16)) + bytes(UInt16(address.value & 0xffff))
    }

    static func bytes(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 255)] }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

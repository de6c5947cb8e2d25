import CloudCore
import NIOCore

/// As much of an HTTP/1.1 answer as a load has to know.
struct LoadAnswer {
    var status: Int
    /// Bytes of head and body together.
    var length: Int

    /// Bytes that a head may have.
    private static let longestHead = 16_384
    private static let field = Array("content-length:".utf8)

    /// `nil` while the head is incomplete. Throws for an answer without a length, as none of a server's JSON is.
    init?(_ buffer: ByteBuffer) throws(CloudError) {
        let bytes = buffer.readableBytesView
        guard let headLength = Self.headLength(bytes) else {
            guard bytes.count < Self.longestHead else { throw Lab.failure("An answer's head has no end.") }
            return nil
        }
        let head = bytes.prefix(headLength)
        // "HTTP/1.1 202 Accepted"
        guard let status = Self.number(head.dropFirst(9)), let body = Self.bodyLength(head) else {
            throw Lab.failure("An answer has no length: \(String(decoding: head, as: UTF8.self))")
        }
        (self.status, length) = (status, headLength + body)
    }

    /// Up to and with the empty line.
    private static func headLength(_ bytes: ByteBufferView) -> Int? {
        var ends = 0
        for (offset, byte) in bytes.enumerated() {
            switch byte {
            case UInt8(ascii: "\n"): ends += 1
            case UInt8(ascii: "\r"): continue
            default: ends = 0
            }
            if ends == 2 { return offset + 1 }
        }
        return nil
    }

    private static func bodyLength(_ head: ByteBufferView) -> Int? {
        for line in head.split(separator: UInt8(ascii: "\n")) where line.count > field.count {
            // Letters differ from their small ones in this bit, and no other byte of the field has it clear.
            guard zip(line, field).allSatisfy({ $0 | 0x20 == $1 }) else { continue }
            return number(line.dropFirst(field.count).drop { $0 == UInt8(ascii: " ") })
        }
        return nil
    }

    /// The digits that `bytes` begins with.
    private static func number(_ bytes: ByteBufferView) -> Int? {
        let digits = bytes.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard (1...9).contains(digits.count) else { return nil }
        return digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }
}

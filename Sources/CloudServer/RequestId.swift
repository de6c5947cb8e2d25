/// Ids of requests: random UUIDs (RFC 9562, section 5.4) in lower case.
enum RequestId {
    private static let digits = Array("0123456789abcdef".utf8)
    private static let length = 36

    /// A new one, from the system's random numbers.
    static func make() -> String { text(.random(in: .min ... .max), .random(in: .min ... .max)) }

    /// The UUID of these 128 bits, six of which give way to its version and variant.
    static func text(_ high: UInt64, _ low: UInt64) -> String {
        let halves = (high & ~0xF000 | 0x4000, low & ~(3 << 62) | 1 << 63)
        return String(unsafeUninitializedCapacity: length) { bytes in
            var offset = 0
            // Safe: 32 digits and 4 marks are the 36 bytes that there are.
            for index in 0..<32 {
                if index == 8 || index == 12 || index == 16 || index == 20 {
                    bytes[offset] = UInt8(ascii: "-")
                    offset += 1
                }
                let half = index < 16 ? halves.0 : halves.1
                bytes[offset] = digits[Int(half >> UInt64(60 - index % 16 * 4) & 15)]
                offset += 1
            }
            return offset
        }
    }
}

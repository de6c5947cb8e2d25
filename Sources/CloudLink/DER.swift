/// Writes values in DER (ITU-T X.690), as much of it as a certificate of ours has.
enum DER {
    static func sequence(_ parts: [[UInt8]]) -> [UInt8] { value(0x30, parts.flatMap(\.self)) }

    static func set(_ parts: [[UInt8]]) -> [UInt8] { value(0x31, parts.flatMap(\.self)) }

    /// A number that is not negative, most significant byte first.
    static func integer(_ bytes: [UInt8]) -> [UInt8] {
        let digits = Array(bytes.drop { $0 == 0 })
        // A first bit of 1 would say that it is negative (8.3.3).
        let needsZero = digits.first.map { $0 >= 0x80 } ?? true
        return value(0x02, (needsZero ? [0] : []) + digits)
    }

    /// An object identifier, whose content the caller has encoded.
    static func identifier(_ content: [UInt8]) -> [UInt8] { value(0x06, content) }

    static func text(_ text: String) -> [UInt8] { value(0x0C, Array(text.utf8)) }

    /// Whole bytes alone, so no bit of the last is unused.
    static func bits(_ bytes: [UInt8]) -> [UInt8] { value(0x03, [0] + bytes) }

    /// `YYMMDDHHMMSSZ`, for years from 1950 to 2049.
    static func shortTime(_ text: String) -> [UInt8] { value(0x17, Array(text.utf8)) }

    /// `YYYYMMDDHHMMSSZ`.
    static func longTime(_ text: String) -> [UInt8] { value(0x18, Array(text.utf8)) }

    private static func value(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        [tag] + length(content.count) + content
    }

    /// The short form up to 127, else the number of bytes of the length, and these (8.1.3).
    private static func length(_ count: Int) -> [UInt8] {
        guard count > 127 else { return [UInt8(count)] }
        var bytes: [UInt8] = []
        var rest = count
        while rest > 0 {
            bytes.insert(UInt8(rest & 0xFF), at: 0)
            rest >>= 8
        }
        return [0x80 | UInt8(bytes.count)] + bytes
    }
}

import Crypto

/// API keys: random, shown once, kept as a hash alone. A key has 192 random bits, so a plain hash can't be reversed
/// by trying.
public enum APIKey {
    /// Longer headers are refused unread.
    static let maxLength = 256
    private static let randomLength = 24

    static func make(_ randomBytes: (Int) -> [UInt8]) -> String {
        "strettch_" + hex(randomBytes(randomLength))
    }

    /// A token for a guest, told from a key by how it begins.
    static func makeGuestToken(_ randomBytes: (Int) -> [UInt8]) -> String {
        guestPrefix + hex(randomBytes(randomLength))
    }

    static let guestPrefix = "strettch_guest_"

    /// SHA-256 of the key in 64 hexadecimal digits.
    static func hash(_ key: String) -> String { hex(SHA256.hash(data: Array(key.utf8))) }

    private static let digits = Array("0123456789abcdef".utf8)

    /// Two lower-case digits for each byte.
    static func hex(_ bytes: some Sequence<UInt8>) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(2 * bytes.underestimatedCount)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}

import Crypto

/// The UUID of a machine: says to which installation and which compute a QEMU process belongs, both ways.
///
/// A UUID of version 8 (RFC 9562, section 5.8): 60 bits of the installation id's SHA-256 and 62 bits of compute id.
/// It is the same for the life of the compute; the guest sees it as its board's serial (DMI).
struct MachineUUID: Sendable, Equatable, CustomStringConvertible {
    /// The highest compute id that fits.
    static let highestId: Int64 = 1 << 62 - 1
    /// What is added to the numbers of guests that are booted ahead, since their compute's id is not known yet.
    static let firstWarm: Int64 = 1 << 61

    private var high: UInt64
    private var low: UInt64

    /// `id` must be 0 to `highestId`; the database counts from 1.
    init(installation: String, id: Int64) {
        high = Self.mark(installation)
        low = 0b10 << 62 | UInt64(bitPattern: id) & UInt64(Self.highestId)
    }

    /// The compute's id when `text` is the UUID of one of the installation's machines.
    static func id(_ text: some StringProtocol, installation: String) -> Int64? {
        guard let value = UInt64(text.split(separator: "-").suffix(2).joined(), radix: 16) else { return nil }
        let id = Int64(value & UInt64(highestId))
        return MachineUUID(installation: installation, id: id).description == text ? id : nil
    }

    var description: String {
        let digits = Array(Self.hexadecimal(high) + Self.hexadecimal(low))
        return [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(digits[$0]) }.joined(separator: "-")
    }

    private static func mark(_ installation: String) -> UInt64 {
        let hash = SHA256.hash(data: Array(installation.utf8)).prefix(8).reduce(UInt64(0)) {
            $0 << 8 | UInt64($1)
        }
        return hash & ~0xF000 | 0x8000
    }

    private static func hexadecimal(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

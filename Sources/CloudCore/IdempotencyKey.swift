/// The client's name for one intended change (API reference, "Idempotency"): a UUID of version 4 (RFC 9562).
public struct IdempotencyKey: Sendable, Hashable {
    /// Lower case, so that a retry in the other case is the same key.
    public var value: String

    /// Milliseconds that a key is remembered after its request, and a create's after the end of its compute: 30 days (API
    /// reference, last section).
    public static let retentionMs: Int64 = 30 * 86_400_000

    /// For the requests that may come without one. Throws `INVALID_IDEMPOTENCY_KEY` when there is one and it holds
    /// something else.
    public static func ifSent(header: String?) throws(CloudError) -> IdempotencyKey? {
        guard header != nil else { return nil }
        return try IdempotencyKey(header: header)
    }

    /// Throws `INVALID_IDEMPOTENCY_KEY` when the header is missing or holds something else.
    public init(header: String?) throws(CloudError) {
        guard let header else {
            throw Self.invalid("The Idempotency-Key header is missing.")
        }
        let key = header.lowercased()
        guard Self.isVersion4(Array(key.utf8)) else {
            throw Self.invalid("The Idempotency-Key '\(header.shown)' is not a UUID of version 4.")
        }
        value = key
    }

    private static func isVersion4(_ text: [UInt8]) -> Bool {
        guard text.count == 36 else { return false }
        for (index, byte) in text.enumerated() {
            let fits =
                switch index {
                case 8, 13, 18, 23: byte == UInt8(ascii: "-")
                case 14: byte == UInt8(ascii: "4")
                case 19: (56...57).contains(byte) || (97...98).contains(byte)  // 8, 9, a, b
                default: (48...57).contains(byte) || (97...102).contains(byte)  // 0 to 9, a to f
                }
            guard fits else { return false }
        }
        return true
    }

    private static func invalid(_ what: String) -> CloudError {
        CloudError(
            .invalidIdempotencyKey,
            "\(what) Send a new random UUID (version 4) for each new request, and the same one when you retry.",
            problems: [Problem("Idempotency-Key", what)])
    }
}

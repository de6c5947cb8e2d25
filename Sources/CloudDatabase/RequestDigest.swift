import Crypto
import FoundationEssentials

/// What tells a retry from another request: a digest of each member of the first one's body, by name. The body itself is
/// not kept: it may be large, and hold secrets (docs/decisions/0029).
public struct RequestDigest: Sendable, Equatable {
    /// Bytes of a SHA-256 that are kept.
    private static let length = 16
    private static let lineFeed = UInt8(ascii: "\n")

    /// For the column `request` of `idempotency_keys`: the digests as `StringMap` writes them.
    public let text: String

    /// What `text` was before.
    public init(text: String) { self.text = text }

    /// Of a request without members, or without an idempotency key.
    public init() { self.init(text: StringMap.encode([:])) }

    /// - Parameter members: in canonical JSON.
    ///
    /// What else the row of the idempotency key is known by goes before each value, so that the same value has another
    /// digest in every row: nobody can look a digest up in a table made beforehand, or see that two rows have it.
    public init(of members: [String: String], teamId: Int64, endpoint: String, key: String) {
        var bytes = Array("\(teamId)\n\(endpoint)\n\(key)\n".utf8)
        let row = bytes.count
        var digests = members.sorted { $0.key < $1.key }
        for (index, (name, value)) in digests.enumerated() {
            bytes.removeLast(bytes.count - row)
            bytes += name.utf8
            bytes.append(Self.lineFeed)
            bytes += value.utf8
            digests[index].value = Self.text(SHA256.hash(data: bytes))
        }
        self.init(text: StringMap.encode(inOrder: digests))
    }

    /// In base64.
    private static func text(_ hash: SHA256.Digest) -> String {
        // Safe: a SHA-256 has twice as many bytes. As a sequence it would be copied byte by byte.
        hash.withUnsafeBytes { Data(UnsafeRawBufferPointer(rebasing: $0[..<length])).base64EncodedString() }
    }

    /// The names of the members that are not the same in both, in order. Throws when one of them is not a text of ours.
    public func differences(from first: RequestDigest) throws -> [String] {
        // The same digests have the same text.
        guard text != first.text else { return [] }
        let (old, new) = (try first.digests(), try digests())
        return Set(old.keys).union(new.keys).filter { old[$0] != new[$0] }.sorted()
    }

    private func digests() throws -> [String: String] {
        try JSONDecoder().decode([String: String].self, from: Data(text.utf8))
    }
}

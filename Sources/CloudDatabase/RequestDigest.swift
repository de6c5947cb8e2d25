import Crypto
import FoundationEssentials

/// What tells a retry from another request: a digest of each member of the first one's body, by name. The body itself is
/// not kept: it may be large, and hold secrets (docs/decisions/0029).
public struct RequestDigest: Sendable, Equatable {
    /// Bytes of a SHA-256 that are kept.
    private static let length = 16

    private var digests: [String: String] = [:]

    /// Of a request without members, or without an idempotency key.
    public init() {}

    /// - Parameter members: in canonical JSON.
    ///
    /// What else the row of the idempotency key is known by goes before each value, so that the same value has another
    /// digest in every row: nobody can look a digest up in a table made beforehand, or see that two rows have it.
    public init(of members: [String: String], teamId: Int64, endpoint: String, key: String) {
        digests = Dictionary(minimumCapacity: members.count)
        for (name, value) in members {
            let hash = SHA256.hash(data: Array("\(teamId)\n\(endpoint)\n\(key)\n\(name)\n\(value)".utf8))
            digests[name] = Data(hash.prefix(Self.length)).base64EncodedString()
        }
    }

    /// What `text` has made.
    public init(parsing text: String) throws {
        digests = try JSONDecoder().decode([String: String].self, from: Data(text.utf8))
    }

    /// For the column `request` of `idempotency_keys`.
    public var text: String { StringMap.encode(digests) }

    /// The names of the members that are not the same in both, in order.
    public func differences(from first: RequestDigest) -> [String] {
        Set(first.digests.keys).union(digests.keys).filter { first.digests[$0] != digests[$0] }.sorted()
    }
}

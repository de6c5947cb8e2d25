import FoundationEssentials

/// Public keys as a line of `authorized_keys` holds them: type, base64 of the wire format (RFC 4253, section 6.6),
/// comment.
public enum SSHPublicKey {
    public static let maxCount = 16
    /// Unicode scalars, as JSON Schema counts them.
    public static let maxLength = 8192

    /// The key types that OpenSSH accepts, and how many fields follow the type in the wire format
    /// (RFC 4253, RFC 5656, RFC 8709, OpenSSH's PROTOCOL.u2f).
    private static let fieldsByType = [
        "ssh-rsa": 2, "ssh-ed25519": 1, "ecdsa-sha2-nistp256": 2, "ecdsa-sha2-nistp384": 2,
        "ecdsa-sha2-nistp521": 2, "sk-ssh-ed25519@openssh.com": 2, "sk-ecdsa-sha2-nistp256@openssh.com": 3,
    ]

    /// What a check found.
    public enum Verdict: Sendable, Equatable {
        case valid
        /// Of a known type, but not a whole key: accepted with a warning, or refused where the operator says so.
        case incomplete(String)
        case invalid(String)
    }

    public static func check(_ line: String) -> Verdict {
        let remedy = "Send the line of your .pub file, such as ssh-ed25519 AAAA… user@host."
        if line.unicodeScalars.count > maxLength {
            return .invalid("is longer than \(maxLength) characters. \(remedy)")
        }
        if line.unicodeScalars.contains(where: { $0.isControl && $0 != "\t" }) {
            return .invalid("has a line break or control character. \(remedy)")
        }
        // By bytes, as OpenSSH does: to Swift a space and a mark that combines with it are one character, and no space.
        let (space, tab) = (UInt8(ascii: " "), UInt8(ascii: "\t"))
        let parts = line.utf8.split(maxSplits: 2, whereSeparator: { $0 == space || $0 == tab })
            .map { String(Substring($0)) }
        guard let type = parts.first, let fields = fieldsByType[type] else {
            return .invalid(
                "'\(String(line.unicodeScalars.prefix(40)))' begins with no known key type. \(remedy)")
        }
        guard parts.count > 1, let blob = Data(base64Encoded: parts[1]),
            isWhole(Array(blob), type: type, fields: fields)
        else { return .incomplete("is not a whole \(type) key, so nobody can log in with it. \(remedy)") }
        return .valid
    }

    /// Whether the bytes are the type and then exactly `fields` fields, each a 32-bit length and that many bytes.
    private static func isWhole(_ bytes: [UInt8], type: String, fields: Int) -> Bool {
        var rest = bytes[...]
        var found: [ArraySlice<UInt8>] = []
        while rest.count >= 4 {
            let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(4)
            guard length > 0, length <= rest.count else { return false }
            found.append(rest.prefix(length))
            rest = rest.dropFirst(length)
        }
        return rest.isEmpty && found.count == fields + 1 && found[0].elementsEqual(type.utf8)
    }
}

import FoundationEssentials

/// Public keys as a line of `authorized_keys` holds them: type, base64 of the wire format (RFC 4253, section 6.6),
/// comment.
public enum SSHPublicKey {
    public static let maxCount = 16
    /// Unicode scalars, as JSON Schema counts them.
    public static let maxLength = 8192

    /// What a check found.
    public enum Verdict: Sendable, Equatable {
        case valid
        /// Of a known type, but no sshd takes it: accepted with a warning, or refused where the operator says so.
        case unusable(String)
        case invalid(String)
    }

    private static let remedy = "Send the line of your .pub file, such as ssh-ed25519 AAAA… user@host."

    /// The line without what files and editors have around it: white space, line breaks, a byte order mark.
    public static func trimmed(_ line: String) -> String {
        let isAround = { (scalar: Unicode.Scalar) in
            scalar.properties.isWhitespace || scalar == "\u{FEFF}"
        }
        let scalars = line.unicodeScalars
        guard scalars.first.map(isAround) == true || scalars.last.map(isAround) == true else { return line }
        guard let first = scalars.firstIndex(where: { !isAround($0) }),
            let last = scalars.lastIndex(where: { !isAround($0) })
        else { return "" }
        return String(scalars[first...last])
    }

    /// - Parameter line: as `trimmed` returns it.
    public static func check(_ line: String) -> Verdict {
        // Most lines have fewer bytes, which nobody has to count.
        if line.utf8.count > maxLength, line.unicodeScalars.count > maxLength {
            return .invalid("is longer than \(maxLength) characters. \(remedy)")
        }
        if line.unicodeScalars.contains(where: { $0.isControl && $0 != "\t" }) {
            return .invalid("has a line break or control character. \(remedy)")
        }
        let words = line.utf8.split(maxSplits: 2, whereSeparator: isSpace).prefix(2)
            .map { String(Substring($0)) }
        guard let name = words.first, let type = SSHKeyType(rawValue: name) else {
            return .invalid(problemOfType(line))
        }
        // Foundation takes more padding than there is to be, and OpenSSH does not.
        guard words.count > 1, words[1].utf8.count % 4 == 0, let blob = Data(base64Encoded: words[1]) else {
            return .unusable("is not a whole \(name) key, so nobody can log in with it. \(remedy)")
        }
        guard let problem = type.problem(of: Array(blob)) else { return .valid }
        return .unusable("\(problem). \(remedy)")
    }

    /// By bytes, as OpenSSH does: to Swift a space and a mark that combines with it are one character, and no space.
    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
    }

    /// What is wrong with a line that does not begin with a type of ours.
    private static func problemOfType(_ line: String) -> String {
        let words = line.utf8.split(whereSeparator: isSpace).map { String(Substring($0)) }
        if let word = words.first(where: { SSHKeyType(rawValue: $0) != nil }) {
            return
                "has something before its type \(word), as options are in authorized_keys. Options are not accepted: send type, key and comment alone."
        }
        if words.first == "ssh-dss" {
            return "is a DSA key, which OpenSSH no longer accepts. Make another with: ssh-keygen -t ed25519"
        }
        return "'\(String(line.unicodeScalars.prefix(40)))' begins with no known key type. \(remedy)"
    }
}

/// Host names by RFC 1123, section 2.1: labels of letters, digits and inner hyphens, joined by dots.
public enum HostName {
    /// RFC 1123, section 2.1, and the octet limit of RFC 1035, section 2.3.4.
    public static let maxLength = 253
    public static let maxLabelLength = 63

    /// What is wrong with `name`, or `nil`. Names are never changed on the server.
    public static func problem(_ name: String) -> String? {
        let remedy = "Send 1 to 253 letters, digits, hyphens and dots, such as my-server-01."
        if name.isEmpty { return "is empty. \(remedy)" }
        if name.utf8.count > maxLength {
            return "has \(name.utf8.count) bytes, more than \(maxLength). \(remedy)"
        }
        let labels = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        // RFC 1123, section 2.1: a name never has the form #.#.#.#, which is that of an address.
        if labels.count == 4, labels.allSatisfy({ $0.allSatisfy { (48...57).contains($0) } }) {
            return "'\(name.shown)' is an address, not a name. \(remedy)"
        }
        for label in labels {
            if let problem = labelProblem(label) { return "'\(name.shown)' \(problem). \(remedy)" }
        }
        return nil
    }

    private static func labelProblem(_ label: Substring.UTF8View.SubSequence) -> String? {
        if label.isEmpty { return "has an empty part between dots" }
        if label.count > maxLabelLength { return "has a part longer than \(maxLabelLength) characters" }
        if !label.allSatisfy({ isAlphanumeric($0) || $0 == UInt8(ascii: "-") }) {
            return "has a character other than letters, digits, hyphens and dots"
        }
        let hyphen = UInt8(ascii: "-")
        return label.first == hyphen || label.last == hyphen
            ? "has a part that begins or ends with a hyphen" : nil
    }

    static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}

extension String {
    /// The text as an error message may show it: without control characters, at most 80 characters.
    public var shown: String {
        let clean = String(
            unicodeScalars.prefix(81).map { $0.isControl ? "?" : Character($0) })
        return clean.count > 80 ? clean.prefix(80) + "…" : clean
    }
}

extension Unicode.Scalar {
    /// Whether it is a control character: the general category Cc, which never changes (Unicode, table 4-4 and its stability
    /// policy), without a look into its tables.
    package var isControl: Bool { value < 0x20 || (0x7F...0x9F).contains(value) }
}

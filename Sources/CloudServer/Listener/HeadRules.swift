import CloudCore
import HTTPTypes

/// What a request's head must be beyond its form, before anyone reads it.
enum HeadRules {
    /// Why the head is refused, if it is.
    static func refusal(_ head: HTTPRequest, isHTTP2: Bool) -> Refusal? {
        if let refusal = hostRefusal(head, isHTTP2) { return refusal }
        guard let expectation = head.headerFields[.expect], !isContinue(expectation) else { return nil }
        return .expectation(expectation)
    }

    /// Whether the client waits for leave to send the body (RFC 9110, section 10.1.1).
    static func expectsContinue(_ head: HTTPRequest) -> Bool {
        head.headerFields[.expect].map(isContinue) ?? false
    }

    private static func isContinue(_ expectation: String) -> Bool {
        expectation.lowercased() == "100-continue"
    }

    /// There is one Host with a name or address in it (RFC 9112, section 3.2). On HTTP/1.1 the first is the authority, and
    /// the fields have those beyond it; on HTTP/2 (RFC 9113, section 8.3.1) a Host may stand for the authority or repeat it.
    private static func hostRefusal(_ head: HTTPRequest, _ isHTTP2: Bool) -> Refusal? {
        let others = head.headerFields[values: .host]
        guard let host = head.authority ?? others.first else { return .host("The request has no Host.") }
        guard others.isEmpty || isHTTP2 && others.count == 1 && others[0].lowercased() == host.lowercased()
        else { return .host("The request has more than one Host.") }
        guard isAuthority(host) else { return .host("The Host '\(host.shown)' is not valid.") }
        return nil
    }

    /// `host [":" port]` of RFC 3986, section 3.2, with a host that is not empty.
    static func isAuthority(_ text: String) -> Bool {
        var host = Substring(text).utf8
        if let colon = host.lastIndex(of: UInt8(ascii: ":")), host.last != UInt8(ascii: "]") {
            let port = host[host.index(after: colon)...]
            guard isPort(port) else { return false }
            host = host[..<colon]
        }
        guard let first = host.first else { return false }
        guard first == UInt8(ascii: "[") else { return isName(host) }
        return host.last == UInt8(ascii: "]")
            && isIPv6(Substring(host.dropFirst().dropLast()))
    }

    private static func isIPv6(_ text: Substring) -> Bool {
        text.utf8.contains(UInt8(ascii: ":")) && NetworkAddress(text) != nil
    }

    /// Empty, as after a colon that stands alone, or 0 to 65535.
    private static func isPort(_ text: Substring.UTF8View) -> Bool {
        text.isEmpty || text.count <= 5 && text.allSatisfy(isDigit) && UInt16(Substring(text)) != nil
    }

    /// Unreserved characters, sub-delimiters, and bytes as `%41`.
    private static func isName(_ text: Substring.UTF8View) -> Bool {
        var hexDigitsDue = 0
        for byte in text {
            if hexDigitsDue > 0 {
                guard isDigit(byte) || (65...70).contains(byte & 0xDF) else { return false }
                hexDigitsDue -= 1
            } else if byte == UInt8(ascii: "%") {
                hexDigitsDue = 2
            } else if !isNameByte(byte) {
                return false
            }
        }
        return hexDigitsDue == 0
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"):
            true
        default: "_~!$&'()*+,;=".utf8.contains(byte)
        }
    }
}

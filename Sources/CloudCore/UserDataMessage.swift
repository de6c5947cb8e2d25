import FoundationEssentials

/// The parts of user data that is a MIME message (RFC 2045, RFC 2046), as far as it takes to say which of them cloud-init
/// runs. Guests get the message as it is, and cloud-init reads it by itself.
struct UserDataMessage {
    /// One that is not made of others.
    struct Part {
        /// In lower case, without parameters.
        var type: String
        /// The type that cloud-init takes it for, by its own word or its beginning (cloud-init, `_process_msg`).
        var runsAs: String?
        /// Before it is expanded.
        var isEmpty: Bool
        /// Whether it is sent as it is and has other characters than ASCII's, which cloud-init takes apart.
        var isMisread: Bool
    }

    /// Parts within each other, and messages within parts.
    static let maxDepth = 8
    static let maxParts = 64

    private(set) var parts: [Part] = []
    /// Bytes that the parts after this one may expand to.
    private var expandable = UserData.maxExpandedLength

    /// Looks into every part. Throws for one that would make cloud-init give up on all of them, or fill the guest's memory, and
    /// for more or deeper ones than are looked into.
    init(_ text: String) throws(UserData.Refusal) {
        let lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map {
            Array($0.last == UInt8(ascii: "\r") ? $0.dropLast() : $0)
        }
        try read(lines[...], depth: 0)
    }

    private mutating func read(_ lines: ArraySlice<[UInt8]>, depth: Int) throws(UserData.Refusal) {
        guard depth < Self.maxDepth else {
            throw UserData.Refusal(
                message: "has parts within each other deeper than \(Self.maxDepth). Send them in one message."
            )
        }
        var header = Header()
        let body = header.read(lines)
        let type = header.contentType
        if type.hasPrefix("multipart/") {
            guard let boundary = header.boundary else { return }
            for part in Self.divide(body, by: "--\(boundary)") { try read(part, depth: depth + 1) }
        } else if type.hasPrefix("message/") {
            // Read as one in any encoding, as Python's email package does.
            try read(body, depth: depth + 1)
        } else {
            try append(type, header.decode(body))
        }
    }

    private mutating func append(
        _ type: String, _ body: (bytes: [UInt8], isEncoded: Bool)
    ) throws(UserData.Refusal) {
        guard parts.count < Self.maxParts else {
            throw UserData.Refusal(
                message: "has more than \(Self.maxParts) parts. Send fewer, and fetch more with #include.")
        }
        let runsAs =
            if UserDataFormat.gzip.contains(type) {
                UserDataFormat.type(of: try expand(body.bytes))
            } else if UserDataFormat.open.contains(type) {
                UserDataFormat.type(of: body.bytes)
            } else {
                UserDataFormat.types.contains(type) ? type : nil
            }
        parts.append(
            Part(
                type: type, runsAs: runsAs, isEmpty: body.bytes.isEmpty,
                isMisread: !body.isEncoded && body.bytes.contains { $0 >= 0x80 }))
    }

    /// The next part's content, which is gzip.
    private mutating func expand(_ body: [UInt8]) throws(UserData.Refusal) -> [UInt8] {
        let content = try UserData.expand(body, "part \(parts.count + 1) ", limit: expandable)
        expandable -= content.count
        return content
    }

    /// The lines between the boundary's, up to the one that ends them (RFC 2046, section 5.1.1).
    private static func divide(
        _ lines: ArraySlice<[UInt8]>, by boundary: String
    ) -> [ArraySlice<[UInt8]>] {
        let boundary = Array(boundary.utf8)
        var found: [ArraySlice<[UInt8]>] = []
        var start: Int?
        for index in lines.indices where lines[index].starts(with: boundary) {
            let rest = lines[index].dropFirst(boundary.count)
            let ends = rest.starts(with: Array("--".utf8))
            guard rest.dropFirst(ends ? 2 : 0).allSatisfy(UserDataFormat.isSpace) else { continue }
            if let start { found.append(lines[start..<index]) }
            start = index + 1
            if ends { return found }
        }
        if let start { found.append(lines[start...]) }
        return found
    }
}

/// What the fields of a part say about it.
private struct Header {
    private var fields: [(name: String, value: String)] = []

    /// Takes the fields off the front of a part's lines, and returns its body.
    mutating func read(_ lines: ArraySlice<[UInt8]>) -> ArraySlice<[UInt8]> {
        var rest = lines
        if rest.first?.starts(with: Array("From ".utf8)) == true { rest = rest.dropFirst() }
        while let line = rest.first {
            if line.isEmpty { return rest.dropFirst() }
            let text = String(decoding: line, as: UTF8.self)
            if UserDataFormat.isSpace(line[0]) {
                guard !fields.isEmpty else { return rest }
                fields[fields.count - 1].value += text
            } else {
                guard let colon = text.firstIndex(of: ":"), !text[..<colon].contains(" ") else { return rest }
                fields.append((text[..<colon].lowercased(), String(text[text.index(after: colon)...])))
            }
            rest = rest.dropFirst()
        }
        return rest
    }

    private func value(_ name: String) -> String { fields.first { $0.name == name }?.value ?? "" }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text.drop(while: \.isWhitespace)
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }

    /// One that is missing or malformed is `text/plain` (RFC 2045, section 5.2).
    var contentType: String {
        let type = Self.trimmed(value("content-type").prefix { $0 != ";" }).lowercased()
        return type.split(separator: "/", omittingEmptySubsequences: false).count == 2 ? type : "text/plain"
    }

    var boundary: String? {
        var isQuoted = false
        let parameters = value("content-type").split { character in
            if character == "\"" { isQuoted.toggle() }
            return character == ";" && !isQuoted
        }
        for parameter in parameters.dropFirst() {
            let words = parameter.split(separator: "=", maxSplits: 1)
            guard words.count == 2, Self.trimmed(words[0]).lowercased() == "boundary" else { continue }
            let text = Self.trimmed(words[1])
            guard text.first == "\"" else { return String(text) }
            return String(text.dropFirst().prefix { $0 != "\"" })
        }
        return nil
    }

    /// The body's bytes, and whether they were encoded.
    func decode(_ lines: ArraySlice<[UInt8]>) -> (bytes: [UInt8], isEncoded: Bool) {
        let bytes = Array(lines.joined(separator: [UInt8(ascii: "\n")]))
        switch Self.trimmed(value("content-transfer-encoding")[...]).lowercased() {
        case "base64":
            let decoded = Data(base64Encoded: Data(bytes), options: .ignoreUnknownCharacters)
            return (decoded.map(Array.init) ?? [], true)
        case "quoted-printable": return (Self.unquoted(bytes), true)
        default: return (bytes, false)
        }
    }

    /// Decodes quoted-printable (RFC 2045, section 6.7).
    private static func unquoted(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var rest = bytes[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "=") else {
                result.append(byte)
                continue
            }
            if rest.first == UInt8(ascii: "\n") {
                rest.removeFirst()
            } else if let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) {
                result.append(value)
                rest = rest.dropFirst(2)
            } else {
                result.append(byte)
            }
        }
        return result
    }
}

extension UserDataMessage {
    /// What cloud-init would leave out.
    var warnings: [String] {
        if parts.isEmpty { return ["has no part that cloud-init runs."] }
        var found: [String] = []
        for (index, part) in parts.enumerated() {
            // What a handler of the owner's takes, nobody else knows.
            if part.runsAs == UserDataFormat.partHandler { return found }
            if let problem = part.problem { found.append("part \(index + 1) \(problem)") }
        }
        return found
    }
}

extension UserDataMessage.Part {
    /// Why cloud-init does not run it; `nil`: it does.
    fileprivate var problem: String? {
        let type = type.shown
        if isMisread {
            return
                "(\(type)) has characters other than ASCII's, which cloud-init misreads. Send it with Content-Transfer-Encoding: base64."
        }
        guard runsAs == nil, !isEmpty else { return nil }
        if self.type == UserDataFormat.script {
            return "(\(type)) does not begin with #!, so it does not run. Begin it with #!/bin/sh."
        }
        return UserDataFormat.open.contains(self.type) || UserDataFormat.gzip.contains(self.type)
            ? "(\(type)) begins with nothing that cloud-init knows, so it is left out. Begin it with #cloud-config or #!/bin/sh."
            : "(\(type)) is of a type that cloud-init does not know, so it is left out. Send text/cloud-config or text/x-shellscript."
    }
}

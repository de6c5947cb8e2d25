import FoundationEssentials

/// Writes JSON with the same bytes as `JSONEncoder` with `.sortedKeys`, in a tenth of its time: for the types of which answers
/// and requests consist. Who uses it gives members in the order of their names, none twice.
public struct JSONWriter {
    private var bytes: [UInt8] = []
    private let escapesSlashes: Bool

    /// Bytes that most answers about one thing fit into.
    private static let usualLength = 1024

    /// - Parameter escapesSlashes: as the encoder does without `.withoutEscapingSlashes`.
    public init(escapesSlashes: Bool = false) {
        self.escapesSlashes = escapesSlashes
        bytes.reserveCapacity(Self.usualLength)
    }

    /// What was written so far.
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// An object with the members that `members` writes.
    public mutating func object(_ members: (inout JSONWriter) throws -> Void) rethrows {
        bytes.append(UInt8(ascii: "{"))
        try members(&self)
        bytes.append(UInt8(ascii: "}"))
    }

    /// An array with an element for each of `elements`, as `write` writes it.
    public mutating func array<Element>(
        _ elements: [Element], _ write: (Element, inout JSONWriter) throws -> Void
    ) rethrows {
        bytes.append(UInt8(ascii: "["))
        for (index, element) in elements.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            try write(element, &self)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    /// A member with the value that `value` writes. A name is plain letters, so it needs no escapes.
    public mutating func member(
        _ name: StaticString, _ value: (inout JSONWriter) throws -> Void
    ) rethrows {
        beginMember()
        bytes.append(UInt8(ascii: "\""))
        name.withUTF8Buffer { bytes.append(contentsOf: $0) }
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
        try value(&self)
    }

    /// A member with any name.
    mutating func member(named name: String, _ value: (inout JSONWriter) throws -> Void) rethrows {
        beginMember()
        string(name)
        bytes.append(UInt8(ascii: ":"))
        try value(&self)
    }

    private mutating func beginMember() {
        if bytes.last != UInt8(ascii: "{") { bytes.append(UInt8(ascii: ",")) }
    }

    public mutating func member(_ name: StaticString, _ text: String) { member(name) { $0.string(text) } }

    public mutating func member(_ name: StaticString, _ number: Int) {
        member(name) { $0.literal(String(number)) }
    }

    public mutating func member(_ name: StaticString, _ truth: Bool) {
        member(name) { $0.literal(truth ? "true" : "false") }
    }

    /// Nothing for `nil`, as the encoder leaves it out.
    public mutating func member(_ name: StaticString, ifPresent text: String?) {
        if let text { member(name, text) }
    }

    public mutating func member(_ name: StaticString, ifPresent number: Int?) {
        if let number { member(name, number) }
    }

    public mutating func member(_ name: StaticString, ifPresent value: (some JSONWritable)?) throws {
        if let value { try member(name, value) }
    }

    public mutating func member(_ name: StaticString, _ value: some JSONWritable) throws {
        try member(name) { try value.write(to: &$0) }
    }

    public mutating func member(_ name: StaticString, _ texts: [String]) {
        member(name) { $0.array(texts) { $1.string($0) } }
    }

    /// A text that is JSON already: a number, `true`, `false` or `null`.
    mutating func literal(_ text: String) { bytes.append(contentsOf: text.utf8) }

    /// A string. Quotes, backslashes and control characters are escaped, slashes where they shall be, nothing else.
    public mutating func string(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { utf8 in
            var plain = 0
            for (index, byte) in utf8.enumerated() where isEscaped(byte) {
                bytes.append(contentsOf: utf8[plain..<index])
                escape(byte)
                plain = index + 1
            }
            bytes.append(contentsOf: utf8[plain...])
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// A value that the encoder writes.
    mutating func encoded(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        bytes += try encoder.encode(value)
    }

    private func isEscaped(_ byte: UInt8) -> Bool {
        byte < 32 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
            || escapesSlashes && byte == UInt8(ascii: "/")
    }

    private mutating func escape(_ byte: UInt8) {
        let digits: StaticString = "0123456789abcdef"
        let short: Unicode.Scalar? =
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): Unicode.Scalar(byte)
            case 8: "b"
            case 9: "t"
            case 10: "n"
            case 12: "f"
            case 13: "r"
            default: nil
            }
        bytes.append(UInt8(ascii: "\\"))
        if let short {
            bytes.append(UInt8(ascii: short))
        } else {
            bytes.append(contentsOf: "u00".utf8)
            digits.withUTF8Buffer { bytes += [$0[Int(byte >> 4)], $0[Int(byte & 15)]] }
        }
    }
}

/// What can be part of an answer. Those that many requests ask for write themselves; the encoder does for the others.
public protocol JSONWritable: Encodable {
    /// Throws what the encoder throws; a type that writes itself throws nothing.
    func write(to json: inout JSONWriter) throws
}

extension JSONWritable {
    public func write(to json: inout JSONWriter) throws { try json.encoded(self) }

    /// As it is sent.
    public func json() throws -> String {
        var writer = JSONWriter()
        try write(to: &writer)
        return writer.text
    }
}

extension Array: JSONWritable where Element: JSONWritable {
    public func write(to json: inout JSONWriter) throws {
        try json.array(self) { try $0.write(to: &$1) }
    }
}

/// Reads JSON as RFC 8259 writes it, and no more: no trailing commas, comments or leading zeros. A byte order mark before
/// the text is ignored, as section 8.1 allows.
///
/// Where the RFC leaves room it refuses what two readers may understand differently: a name that is there twice, a lone
/// surrogate, a number that no double holds.
struct JSONReader {
    /// Arrays and objects in each other. Bounds the stack.
    static let maxDepth = 128

    private let bytes: [UInt8]
    private var offset: Int

    /// U+FEFF in UTF-8.
    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        offset = bytes.starts(with: Self.byteOrderMark) ? Self.byteOrderMark.count : 0
    }

    mutating func document() throws(JSONSyntaxError) -> JSONValue {
        let value = try value(depth: 0)
        skipWhiteSpace()
        guard offset == bytes.count else { throw fault("is more than one value") }
        return value
    }

    // MARK: Values

    private mutating func value(depth: Int) throws(JSONSyntaxError) -> JSONValue {
        skipWhiteSpace()
        guard let byte = peek else { throw fault("the text ends where a value should be") }
        switch byte {
        case UInt8(ascii: "{"): return try object(depth: try deeper(depth))
        case UInt8(ascii: "["): return try array(depth: try deeper(depth))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: throw fault("begins no JSON value")
        }
    }

    private func deeper(_ depth: Int) throws(JSONSyntaxError) -> Int {
        guard depth < Self.maxDepth else {
            throw fault("is more than \(Self.maxDepth) arrays and objects deep")
        }
        return depth + 1
    }

    private mutating func array(depth: Int) throws(JSONSyntaxError) -> JSONValue {
        offset += 1
        var elements: [JSONValue] = []
        if takes("]") { return .array(elements) }
        repeat { elements.append(try value(depth: depth)) } while takes(",")
        guard takes("]") else { throw fault("should be ',' or ']'") }
        return .array(elements)
    }

    private mutating func object(depth: Int) throws(JSONSyntaxError) -> JSONValue {
        offset += 1
        var members: [String: JSONValue] = [:]
        if takes("}") { return .object(members) }
        repeat {
            skipWhiteSpace()
            let start = offset
            guard peek == UInt8(ascii: "\"") else { throw fault("should be a name in quotes") }
            let name = try string()
            guard takes(":") else { throw fault("should be ':'") }
            guard members.updateValue(try value(depth: depth), forKey: name) == nil else {
                throw JSONSyntaxError(offset: start, problem: "the name '\(Self.shown(name))' is there twice")
            }
        } while takes(",")
        guard takes("}") else { throw fault("should be ',' or '}'") }
        return .object(members)
    }

    private mutating func word(_ text: String, _ value: JSONValue) throws(JSONSyntaxError) -> JSONValue {
        guard bytes[offset...].starts(with: text.utf8) else { throw fault("begins no JSON value") }
        offset += text.utf8.count
        return value
    }

    // MARK: Numbers

    private mutating func number() throws(JSONSyntaxError) -> JSONValue {
        let start = offset
        let isNegative = take("-")
        var digits = try self.digits()
        guard digits.count == 1 || digits.first != UInt8(ascii: "0") else {
            throw JSONSyntaxError(offset: start, problem: "a number begins with a zero")
        }
        var exponent = 0
        if take(".") {
            let fraction = try self.digits()
            digits += fraction
            exponent -= fraction.count
        }
        if take("e") || take("E") {
            let isSmall = take("-")
            if !isSmall { _ = take("+") }
            // No text that fits into memory has a fraction that makes up for an exponent of more digits.
            let size = Int(Self.text(try self.digits().drop { $0 == 48 }.prefix(10))) ?? 0
            exponent += isSmall ? -size : size
        }
        if let whole = Self.whole(digits, exponent: exponent, isNegative: isNegative) {
            return .integer(whole)
        }
        guard let value = Double(Self.text(bytes[start..<offset])), value.isFinite else {
            throw JSONSyntaxError(offset: start, problem: "a number is larger than a double can be")
        }
        return Int64(exactly: value).map { .integer($0) } ?? .double(value)
    }

    private mutating func digits() throws(JSONSyntaxError) -> ArraySlice<UInt8> {
        let found = bytes[offset...].prefix { (48...57).contains($0) }
        guard !found.isEmpty else { throw fault("should be a digit") }
        offset += found.count
        return found
    }

    /// `digits` times ten to the power of `exponent` when that is a whole number of 64 bits.
    private static func whole(_ digits: ArraySlice<UInt8>, exponent: Int, isNegative: Bool) -> Int64? {
        var significant = digits.drop { $0 == 48 }
        if significant.isEmpty { return 0 }
        var exponent = exponent
        while significant.last == 48 {
            significant.removeLast()
            exponent += 1
        }
        // No whole number of 64 bits has more than 19 digits.
        guard exponent >= 0, significant.count + exponent <= 19 else { return nil }
        return Int64((isNegative ? "-" : "") + text(significant) + String(repeating: "0", count: exponent))
    }

    // MARK: Strings

    private mutating func string() throws(JSONSyntaxError) -> String {
        let start = offset
        offset += 1
        var text: [UInt8] = []
        // Bytes from here on stand for themselves.
        var plain = offset
        while let byte = peek {
            switch byte {
            case UInt8(ascii: "\""):
                let last = bytes[plain..<offset]
                offset += 1
                return try Self.string(text, last, from: start)
            case UInt8(ascii: "\\"):
                text += bytes[plain..<offset]
                text += Array(String(try escape()).utf8)
                plain = offset
            case 0..<32: throw fault("a control character in a string is not escaped")
            default: offset += 1
            }
        }
        throw JSONSyntaxError(offset: start, problem: "a string does not end")
    }

    private static func string(
        _ text: [UInt8], _ last: ArraySlice<UInt8>, from start: Int
    ) throws(JSONSyntaxError) -> String {
        let string =
            text.isEmpty  // as of almost all
            ? String(validating: last, as: UTF8.self) : String(validating: text + last, as: UTF8.self)
        guard let string else { throw JSONSyntaxError(offset: start, problem: "a string is not in UTF-8") }
        return string
    }

    private mutating func escape() throws(JSONSyntaxError) -> Unicode.Scalar {
        offset += 1
        guard let byte = peek else { throw fault("a string does not end") }
        offset += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try unicodeEscape()
        default: throw JSONSyntaxError(offset: offset - 2, problem: "is an escape that JSON does not have")
        }
    }

    /// What follows `\u`: four hexadecimal digits, and for a surrogate the second half of its pair.
    private mutating func unicodeEscape() throws(JSONSyntaxError) -> Unicode.Scalar {
        let start = offset - 2
        let first = try codeUnit()
        if let scalar = Unicode.Scalar(first) { return scalar }
        if first < 0xDC00, take("\\"), take("u") {
            let second = try codeUnit()
            if (0xDC00..<0xE000).contains(second),
                let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
            {
                return scalar
            }
        }
        throw JSONSyntaxError(offset: start, problem: "half of a surrogate pair stands alone")
    }

    private mutating func codeUnit() throws(JSONSyntaxError) -> UInt32 {
        let hex = bytes[offset...].prefix(4)
        // UInt32 would read a sign too.
        guard hex.count == 4, hex.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
            let unit = UInt32(Self.text(hex), radix: 16)
        else { throw fault("should be four hexadecimal digits") }
        offset += 4
        return unit
    }

    // MARK: Bytes

    private var peek: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    /// Whether the next byte is `byte`, which is then taken.
    private mutating func take(_ byte: Unicode.Scalar) -> Bool {
        guard peek == UInt8(ascii: byte) else { return false }
        offset += 1
        return true
    }

    /// As `take`, after white space.
    private mutating func takes(_ byte: Unicode.Scalar) -> Bool {
        skipWhiteSpace()
        return take(byte)
    }

    private mutating func skipWhiteSpace() {
        while let byte = peek, byte == 32 || byte == 10 || byte == 13 || byte == 9 { offset += 1 }
    }

    private func fault(_ problem: String) -> JSONSyntaxError {
        JSONSyntaxError(offset: offset, problem: problem)
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

    /// At most 40 characters of the client's text, none of them a control character.
    private static func shown(_ name: String) -> String {
        String(
            String.UnicodeScalarView(
                name.unicodeScalars.prefix(40).map { $0.properties.generalCategory == .control ? "?" : $0 }))
    }
}

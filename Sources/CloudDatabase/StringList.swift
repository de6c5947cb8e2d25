import CloudCore
import FoundationEssentials

/// Lists of short texts in one column, as a JSON array. Every compute has two, so what tags and keys are made of is read and
/// written here; the coder does all else, and writes the same.
enum StringList {
    private static let (quote, backslash, slash) = (
        UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/")
    )

    static func encode(_ list: [String]) throws -> String {
        var text = [UInt8(ascii: "[")]
        for (index, string) in list.enumerated() {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            text.append(quote)
            for byte in string.utf8 {
                guard byte >= 32, byte != quote, byte != backslash else {
                    return String(decoding: try JSONEncoder().encode(list), as: UTF8.self)
                }
                if byte == slash { text.append(backslash) }
                text.append(byte)
            }
            text.append(quote)
        }
        text.append(UInt8(ascii: "]"))
        return String(decoding: text, as: UTF8.self)
    }

    static func decode(_ text: String) throws -> [String] {
        var text = text
        if let list = text.withUTF8(plain) { return list }
        return try JSONDecoder().decode([String].self, from: Data(text.utf8))
    }

    /// `nil` for what `encode` left to the coder, or did not write.
    private static func plain(_ text: UnsafeBufferPointer<UInt8>) -> [String]? {
        guard text.count >= 2, text[0] == UInt8(ascii: "["), text[text.count - 1] == UInt8(ascii: "]") else {
            return nil
        }
        var list: [String] = []
        var rest = text[1..<(text.count - 1)]
        while rest.first == quote {
            rest.removeFirst()
            guard let end = rest.firstIndex(of: quote), let string = unescaped(rest[..<end]) else {
                return nil
            }
            list.append(string)
            rest = rest[(end + 1)...]
            if rest.isEmpty { return list }
            guard rest.removeFirst() == UInt8(ascii: ",") else { return nil }
        }
        return text.count == 2 ? list : nil
    }

    /// The text behind `bytes`; `nil` when it has an escape of anything but a slash.
    private static func unescaped(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> String? {
        guard bytes.contains(backslash) else { return String(decoding: bytes, as: UTF8.self) }
        var plain: [UInt8] = []
        var rest = bytes
        while let byte = rest.popFirst() {
            if byte == backslash, rest.first != slash { return nil }
            if byte != backslash { plain.append(byte) }
        }
        return String(decoding: plain, as: UTF8.self)
    }
}

/// Texts by name in one column, as a JSON object whose members are in the order of their names.
public enum StringMap {
    private static let (quote, backslash) = (UInt8(ascii: "\""), UInt8(ascii: "\\"))

    public static func encode(_ map: [String: String]) -> String {
        encode(inOrder: map.sorted { $0.key < $1.key })
    }

    /// - Parameter members: in the order of their names, none twice.
    static func encode(inOrder members: [(key: String, value: String)]) -> String {
        var text = [UInt8(ascii: "{")]
        for (name, value) in members {
            if text.count > 1 { text.append(UInt8(ascii: ",")) }
            append(name, to: &text)
            text.append(UInt8(ascii: ":"))
            append(value, to: &text)
        }
        text.append(UInt8(ascii: "}"))
        return String(decoding: text, as: UTF8.self)
    }

    /// As a JSON string (RFC 8259, section 7).
    private static func append(_ string: String, to text: inout [UInt8]) {
        var string = string
        text.append(quote)
        string.withUTF8 { utf8 in
            var plain = 0
            for (index, byte) in utf8.enumerated() where byte < 32 || byte == quote || byte == backslash {
                text.append(contentsOf: utf8[plain..<index])
                text += escape(byte)
                plain = index + 1
            }
            text.append(contentsOf: utf8[plain...])
        }
        text.append(quote)
    }

    private static func escape(_ byte: UInt8) -> [UInt8] {
        switch byte {
        case quote, backslash: [backslash, byte]
        case 0..<16: Array("\\u000\(String(byte, radix: 16))".utf8)
        default: Array("\\u00\(String(byte, radix: 16))".utf8)
        }
    }
}

/// Texts by name in one column, as a JSON object whose members are in the order of their names.
public enum StringMap {
    private static let (quote, backslash) = (UInt8(ascii: "\""), UInt8(ascii: "\\"))

    public static func encode(_ map: [String: String]) -> String {
        var text = [UInt8(ascii: "{")]
        for (name, value) in map.sorted(by: { $0.key < $1.key }) {
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
        text.append(quote)
        for byte in string.utf8 {
            switch byte {
            case quote, backslash: text += [backslash, byte]
            case 0..<16: text += Array("\\u000\(String(byte, radix: 16))".utf8)
            case 16..<32: text += Array("\\u00\(String(byte, radix: 16))".utf8)
            default: text.append(byte)
            }
        }
        text.append(quote)
    }
}

/// The one thing of YAML that can't be written plainly.
enum YAML {
    /// A double-quoted scalar (YAML 1.2, section 7.3.1) that reads back as `text`, whatever it holds, on one line and in
    /// ASCII: within a MIME message, cloud-init takes other characters apart.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case " "..."~": result.unicodeScalars.append(scalar)
            default: result += scalar.value > 0xFFFF ? "\\U" + hex(scalar, 8) : "\\u" + hex(scalar, 4)
            }
        }
        return result + "\""
    }

    private static func hex(_ scalar: Unicode.Scalar, _ length: Int) -> String {
        let digits = String(scalar.value, radix: 16, uppercase: true)
        return String(repeating: "0", count: length - digits.count) + digits
    }
}

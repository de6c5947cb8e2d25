import Foundation

/// Patterns and formats of JSON Schema.
enum SchemaText {
    /// The formats that the document may use. They are checked, not just noted.
    enum Format: String, CaseIterable {
        case uuid
        case dateTime = "date-time"
    }

    static func matches(_ text: String, _ format: Format) -> Bool {
        switch format {
        case .uuid:
            matches(text, pattern: "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$")
        case .dateTime:
            // RFC 3339, section 5.6. The calendar is asked too, so that the 31st of February is none.
            matches(
                text,
                pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9:]{8}(\\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})$")
                && isCalendarTime(text)
        }
    }

    /// Whether the pattern is found anywhere in the text, as JSON Schema has it. A pattern that can't be compiled
    /// matches nothing; the document's own check reports it.
    static func matches(_ text: String, pattern: String) -> Bool {
        guard let regex = compiled(pattern) else { return false }
        return text.firstMatch(of: regex) != nil
    }

    /// The pattern with `$` meaning the very end, as in ECMAScript, and characters being Unicode scalars.
    static func compiled(_ pattern: String) -> Regex<AnyRegexOutput>? {
        let isAnchored = pattern.hasSuffix("$") && !pattern.hasSuffix("\\$")
        let strictEnd = isAnchored ? pattern.dropLast() + "\\z" : pattern
        let regex = try? Regex(strictEnd)  // nil is the answer for a pattern that is none
        return regex?.matchingSemantics(.unicodeScalar)
    }

    private static func isCalendarTime(_ text: String) -> Bool {
        let numbers = text.prefix(19).split { !$0.isNumber }.compactMap { Int($0) }
        guard numbers.count == 6 else { return false }
        let leap = numbers[0] % 4 == 0 && (numbers[0] % 100 != 0 || numbers[0] % 400 == 0)
        let days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard (1...12).contains(numbers[1]) else { return false }
        return (1...days[numbers[1] - 1]).contains(numbers[2])
            && numbers[3] < 24 && numbers[4] < 60 && numbers[5] <= 60
    }
}

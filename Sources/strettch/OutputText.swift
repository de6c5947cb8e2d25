import CloudClient
import CloudCore
import CloudWire
import Foundation

/// Texts for people, as pure functions.
enum OutputText {
    /// The text without control characters, which could move a terminal's cursor or change its colours.
    static func clean(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { $0.isControl ? "\u{FFFD}" : $0 }))
    }

    /// A line for each thing that is known: its name, as wide as `width`, and what it is.
    static func facts(_ facts: [(name: String, value: String?)], width: Int) -> [String] {
        facts.compactMap { name, value in
            value.map { name + String(repeating: " ", count: max(0, width - name.count)) + $0 }
        }
    }

    /// Whole seconds, and minutes from the first on: `45 s`, `2 min 05 s`.
    static func duration(_ duration: Duration) -> String {
        let seconds = max(0, duration.components.seconds)
        let rest = seconds % 60
        return seconds < 60 ? "\(seconds) s" : "\(seconds / 60) min \(rest < 10 ? "0" : "")\(rest) s"
    }

    /// The lines for an error: its code and message, each field at fault, and the id to give to the operator.
    static func error(_ error: any Error) -> String {
        switch error {
        case let error as ClientError:
            lines(
                code: error.code, message: error.message,
                problems: error.problems.map { "\($0.field): \($0.message)" }, requestId: error.requestId)
        case let error as CloudError:
            lines(
                code: error.code.rawValue, message: error.message,
                problems: error.problems.map { "\($0.field): \($0.message)" }, requestId: nil)
        case let error as CommandFailure:
            lines(code: error.code, message: error.message, problems: [], requestId: nil)
        default: lines(code: nil, message: String(describing: error), problems: [], requestId: nil)
        }
    }

    /// A problem that the message itself tells is not told twice.
    private static func lines(code: String?, message: String, problems: [String], requestId: String?)
        -> String
    {
        let head = "error: " + (code.map { "\(clean($0)): " } ?? "") + clean(message)
        let fields = problems.filter { $0 != message }.map { "  " + clean($0) }
        let request = requestId.map { ["  requestId: \(clean($0))"] } ?? []
        return ([head] + fields + request).joined(separator: "\n")
    }

    /// The API's own data as JSON, two spaces deep, members sorted.
    static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}

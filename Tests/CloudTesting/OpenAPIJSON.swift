import CloudWire
import Foundation

/// Looks things up in a tree of JSON.
extension JSONValue {
    public subscript(_ member: String) -> JSONValue? {
        if case .object(let members) = self { members[member] } else { nil }
    }

    public var string: String? { if case .string(let value) = self { value } else { nil } }
    public var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .double(let value): value
        case .null, .bool, .string, .array, .object: nil
        }
    }
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    public var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
    public var object: [String: JSONValue]? { if case .object(let value) = self { value } else { nil } }

    /// The value that a JSON pointer names (RFC 6901): `/paths/~1computes/get`.
    public func at(pointer: String) -> JSONValue? {
        var value: JSONValue? = self
        for token in pointer.split(separator: "/") {
            value = value?[String(token.replacing("~1", with: "/").replacing("~0", with: "~"))]
        }
        return value
    }

    /// The names that JSON Schema gives to the value's types: a whole number is an `integer` and a `number`.
    var typeNames: [String] {
        switch self {
        case .null: ["null"]
        case .bool: ["boolean"]
        case .integer: ["integer", "number"]
        case .double(let value): value.rounded() == value ? ["integer", "number"] : ["number"]
        case .string: ["string"]
        case .array: ["array"]
        case .object: ["object"]
        }
    }

    /// At most `limit` characters of the value, for messages.
    func excerpt(_ limit: Int = 80) -> String {
        let text =
            switch self {
            case .null: "null"
            case .bool(let value): String(value)
            case .integer(let value): String(value)
            case .double(let value): String(value)
            case .string(let value): "\"\(value)\""
            case .array(let values): "a list of \(values.count)"
            case .object(let members): "an object of \(members.keys.sorted().joined(separator: ", "))"
            }
        return text.count <= limit ? text : text.prefix(limit) + "…"
    }
}

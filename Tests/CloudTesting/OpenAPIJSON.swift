import Foundation

/// Any JSON value, as a tree to look things up in.
public enum JSONValue: Sendable, Hashable, Decodable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    /// Parses a whole JSON text. Throws what the parser says of a text that is none.
    public init(parsing bytes: some Sequence<UInt8>) throws {
        self = try JSONDecoder().decode(JSONValue.self, from: Data(bytes))
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let bool = try? container.decode(Bool.self) {  // a failed attempt means another type
            self = .bool(bool)
        } else if let number = try? container.decode(Double.self) {  // a failed attempt means another type
            self = .number(number)
        } else if let string = try? container.decode(String.self) {  // a failed attempt means another type
            self = .string(string)
        } else if let array = try? container.decode([JSONValue].self) {  // a failed attempt means an object
            self = .array(array)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    public subscript(_ member: String) -> JSONValue? {
        if case .object(let members) = self { members[member] } else { nil }
    }

    public var string: String? { if case .string(let value) = self { value } else { nil } }
    public var number: Double? { if case .number(let value) = self { value } else { nil } }
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
        case .number(let value): value.rounded() == value ? ["integer", "number"] : ["number"]
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
            case .number(let value): value.rounded() == value ? String(Int64(value)) : String(value)
            case .string(let value): "\"\(value)\""
            case .array(let values): "a list of \(values.count)"
            case .object(let members): "an object of \(members.keys.sorted().joined(separator: ", "))"
            }
        return text.count <= limit ? text : text.prefix(limit) + "…"
    }
}

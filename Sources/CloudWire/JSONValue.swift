import FoundationEssentials

/// Any JSON value (RFC 8259), before its type is checked.
public enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    /// Every whole number that 64 bits hold, however it is written: `100` is `1e2` is `100.0`.
    case integer(Int64)
    /// Every other number, in the precision that JSON promises (RFC 8259, section 6). Never infinite.
    case double(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    /// Parses a whole JSON text in UTF-8. Throws `JSONSyntaxError` for anything else.
    public init(parsing bytes: some Sequence<UInt8>) throws(JSONSyntaxError) {
        var reader = JSONReader(Array(bytes))
        self = try reader.document()
    }

    /// The JSON name of the value's type, for messages.
    public var typeName: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .integer, .double: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }

    /// The same text for the same value, whatever the order of members, the white space and the escapes were.
    ///
    /// It is kept with idempotency keys, so it stays what the encoder makes of it, slashes escaped.
    public func canonical() throws -> String {
        var json = JSONWriter(escapesSlashes: true)
        try write(to: &json)
        return json.text
    }

    private func write(to json: inout JSONWriter) throws {
        switch self {
        case .null: json.literal("null")
        case .bool(let value): json.literal(value ? "true" : "false")
        case .integer(let value): json.literal(String(value))
        case .double(let value): try json.encoded(value)
        case .string(let value): json.string(value)
        case .array(let elements): try json.array(elements) { try $0.write(to: &$1) }
        case .object(let members):
            try json.object { json in
                for (name, value) in members.sorted(by: { $0.key < $1.key }) {
                    try json.member(named: name) { try value.write(to: &$0) }
                }
            }
        }
    }
}

extension JSONValue: Encodable {
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .double(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }
}

/// Why a text is no JSON.
public struct JSONSyntaxError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Bytes before the fault.
    public var offset: Int
    /// What is wrong there, as the end of a sentence.
    public var problem: String

    public var description: String { "At byte \(offset) \(problem)." }
}

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A JSON value, as arguments and replies of the monitor are made of.
public enum QMPValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case integer(Int64)
    case double(Double)
    case string(String)
    case array([QMPValue])
    case object([String: QMPValue])

    /// The member of an object; `nil` for any other value.
    public subscript(name: String) -> QMPValue? {
        if case .object(let members) = self { members[name] } else { nil }
    }

    /// As JSON, whose members are in the order of their names.
    public var text: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(self), as: UTF8.self)
        }
    }

    /// Reads JSON; `nil` when it is none.
    public init?(json: some Collection<UInt8>) {
        let value = try? JSONDecoder().decode(QMPValue.self, from: Data(json))  // nil: it is none
        guard let value else { return nil }
        self = value
    }

    public var string: String? { if case .string(let value) = self { value } else { nil } }
    public var integer: Int64? { if case .integer(let value) = self { value } else { nil } }
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    public var array: [QMPValue]? { if case .array(let value) = self { value } else { nil } }
}

extension QMPValue: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        // Each `try?` below asks "is it this type?"; the last question throws when it is none of them.
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {  // see above
            self = .bool(value)
        } else if let value = try? container.decode(Int64.self) {  // see above
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {  // see above
            self = .double(value)
        } else if let value = try? container.decode(String.self) {  // see above
            self = .string(value)
        } else if let value = try? container.decode([String: QMPValue].self) {  // see above
            self = .object(value)
        } else {
            self = .array(try container.decode([QMPValue].self))
        }
    }

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

extension QMPValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(arrayLiteral elements: QMPValue...) { self = .array(elements) }
    /// The last one of equal keys wins.
    public init(dictionaryLiteral elements: (String, QMPValue)...) {
        self = .object(Dictionary(elements) { _, last in last })
    }
}

import CloudCore
import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOCore

/// Reads the JSON body of a request.
enum JSONBody {
    /// Bytes.
    static let maxLength = 65536

    static let tooLarge = CloudError(
        .payloadTooLarge, "The body is larger than \(maxLength) bytes. Send fewer or shorter keys and tags.")

    /// The members of the object in the body. Throws `UNSUPPORTED_MEDIA_TYPE`, `PAYLOAD_TOO_LARGE`, `MALFORMED_JSON`,
    /// and `VALIDATION_ERROR` when the body is JSON but no object.
    static func members(of request: Request) async throws -> [String: BodyValue] {
        let type = request.headers[.contentType] ?? ""
        // Spaces may stand before the parameters (RFC 9110, section 8.3.1).
        let mediaType = type.prefix { $0 != ";" }.filter { $0 != " " && $0 != "\t" }
        guard mediaType.lowercased() == "application/json" else {
            throw CloudError(
                .unsupportedMediaType,
                "The Content-Type is '\(type.shown)'. Send 'Content-Type: application/json'.")
        }
        let buffer = try await request.body.collect(upTo: maxLength)
        switch try parse(Data(buffer.readableBytesView)) {
        case .object(let members): return members
        default: throw CloudError(.validationError, "The body is no JSON object. Send {\"hostName\": …}.")
        }
    }

    private static func parse(_ data: Data) throws -> BodyValue {
        do {
            return try JSONDecoder().decode(BodyValue.self, from: data)
        } catch {
            throw CloudError(
                .malformedJSON, "The body is no valid JSON. Check quotes, commas and braces.",
                detail: "\(error)")
        }
    }
}

/// Any JSON value, before its type is checked.
enum BodyValue: Codable, Sendable, Equatable {
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case string(String)
    case array([BodyValue])
    case object([String: BodyValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {  // each try? asks: is it of this type?
            self = .bool(value)
        } else if let value = try? container.decode(String.self) {  // as above
            self = .string(value)
        } else if let value = try? container.decode(Int64.self) {  // as above
            self = .int(value)
        } else if let value = try? container.decode(Double.self) {  // as above
            self = .double(value)
        } else if let value = try? container.decode([BodyValue].self) {  // as above
            self = .array(value)
        } else {
            self = .object(try container.decode([String: BodyValue].self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .int(let value): try container.encode(value)
        case .double(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }

    /// The same text for the same value, whatever the order of members and the white space were.
    func canonical() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }

    /// The JSON name of the value's type, for messages.
    var typeName: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .int, .double: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

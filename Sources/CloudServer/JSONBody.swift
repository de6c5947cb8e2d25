import CloudCore
import CloudWire
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
    static func members(of request: Request) async throws -> [String: JSONValue] {
        let type = request.headers[.contentType] ?? ""
        // Spaces may stand before the parameters (RFC 9110, section 8.3.1).
        let mediaType = type.prefix { $0 != ";" }.filter { $0 != " " && $0 != "\t" }
        guard mediaType.lowercased() == "application/json" else {
            throw CloudError(
                .unsupportedMediaType,
                "The Content-Type is '\(type.shown)'. Send 'Content-Type: application/json'.")
        }
        let buffer = try await request.body.collect(upTo: maxLength)
        switch try parse(buffer) {
        case .object(let members): return members
        case .null, .bool, .integer, .double, .string, .array:
            throw CloudError(.validationError, "The body is no JSON object. Send {\"hostName\": …}.")
        }
    }

    private static func parse(_ buffer: ByteBuffer) throws(CloudError) -> JSONValue {
        do {
            return try JSONValue(parsing: buffer.readableBytesView)
        } catch {
            throw CloudError(
                .malformedJSON, "The body is no valid JSON. \(error) Check quotes, commas and braces.")
        }
    }
}

/// A value in the body of a request.
typealias BodyValue = JSONValue

import CloudCore
import CloudWire
import HTTPTypes
import Hummingbird
import NIOCore

/// Reads the JSON body of a request.
enum JSONBody {
    /// Bytes.
    static let maxLength = 65536
    /// Bytes of a Content-Type that is looked at; parameters mean nothing here.
    static let maxTypeLength = 256

    static let tooLarge = CloudError(
        .payloadTooLarge, "The body is larger than \(maxLength) bytes. Send fewer or shorter keys and tags.")

    /// The members of the object in the body. Throws `UNSUPPORTED_MEDIA_TYPE`, `PAYLOAD_TOO_LARGE`, `MALFORMED_JSON`,
    /// and `VALIDATION_ERROR` when the body is JSON but no object.
    static func members(of request: Request) async throws -> [String: JSONValue] {
        let type = request.headers[.contentType] ?? ""
        guard isJSON(type) else {
            throw CloudError(
                .unsupportedMediaType,
                "The Content-Type is '\(type.shown)'. Send 'Content-Type: application/json'.")
        }
        // Before the first read of the body, which lets a client send it that waits for leave.
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > maxLength {
            throw tooLarge
        }
        let buffer = try await request.body.collect(upTo: maxLength)
        switch try parse(buffer) {
        case .object(let members): return members
        case .null, .bool, .integer, .double, .string, .array:
            throw CloudError(.validationError, "The body is no JSON object. Send {\"hostName\": …}.")
        }
    }

    /// Whether the media type is `application/json`, whatever its parameters are (RFC 9110, section 8.3.1).
    private static func isJSON(_ type: String) -> Bool {
        guard type.utf8.count <= maxTypeLength else { return false }
        var mediaType = type.utf8.prefix { $0 != UInt8(ascii: ";") }
        // Spaces may stand before the parameters.
        while let last = mediaType.last, " \t".utf8.contains(last) { mediaType.removeLast() }
        return String(Substring(mediaType)).lowercased() == "application/json"
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

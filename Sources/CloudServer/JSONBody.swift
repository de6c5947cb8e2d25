import CloudCore
import CloudWire
import HTTPTypes
import Hummingbird
import NIOCore

/// A body that is one JSON object, held in memory.
struct JSONBody: Sendable, Equatable {
    /// What such an object looks like, for a client that sent something else.
    let example: String
    /// What to do about a body that is too large.
    let shorten: String
    /// Bytes.
    let maxBytes: Int

    init(_ example: String, shorten: String, maxBytes: Int = 65536) {
        (self.example, self.shorten, self.maxBytes) = (example, shorten, maxBytes)
    }

    /// The members of the object in the body. Throws `UNSUPPORTED_MEDIA_TYPE`, `PAYLOAD_TOO_LARGE`, `MALFORMED_JSON`,
    /// and `VALIDATION_ERROR` when the body is JSON but no object.
    func members(of request: Request) async throws -> [String: JSONValue] {
        let type = request.headers.value(of: .contentType) ?? ""
        guard MediaType.of(type) == "application/json" else {
            throw CloudError(
                .unsupportedMediaType,
                "The Content-Type is '\(type.shown)'. Send 'Content-Type: application/json'.")
        }
        switch try parse(try await collect(request)) {
        case .object(let members): return members
        case .null, .bool, .integer, .double, .string, .array:
            throw CloudError(.validationError, "The body is no JSON object. Send \(example).")
        }
    }

    private func collect(_ request: Request) async throws -> ByteBuffer {
        let tooLarge = CloudError(
            .payloadTooLarge, "The body is larger than \(maxBytes) bytes. \(shorten)")
        // Before the first read of the body, which lets a client send it that waits for leave.
        if let length = request.headers.value(of: .contentLength).flatMap({ Int($0) }), length > maxBytes {
            throw tooLarge
        }
        do {
            return try await request.body.collect(upTo: maxBytes)
        } catch let error as any HTTPResponseError where error.status == .contentTooLarge {
            throw tooLarge
        }
    }

    private func parse(_ buffer: ByteBuffer) throws(CloudError) -> JSONValue {
        do {
            return try JSONValue(parsing: buffer.readableBytesView)
        } catch {
            throw CloudError(
                .malformedJSON, "The body is no valid JSON. \(error) Check quotes, commas and braces.")
        }
    }
}

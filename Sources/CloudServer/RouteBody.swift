import CloudCore
import HTTPTypes
import Hummingbird
import NIOCore

/// The body that an endpoint's requests have, with its limits.
enum RouteBody: Sendable, Equatable {
    /// None: what is sent all the same is not read.
    case none
    case json(JSONBody)
    case upload(UploadBody)
}

/// A body of any bytes, which are handed on as they come: none of it is kept in memory, and it may take as long as it comes.
struct UploadBody: Sendable, Equatable {
    /// The media types that are taken.
    let types: [String]
    let maxBytes: Int64
    /// The longest wait for the next byte. Then the upload fails.
    var stall = TimeAmount.seconds(30)
    /// Bytes a second that come on average while the client is waited for, after the first `stall`.
    var slowest = 16384

    init(_ types: [String], maxBytes: Int64) {
        (self.types, self.maxBytes) = (types, maxBytes)
    }

    /// The request, whose body throws `PAYLOAD_TOO_LARGE` where it becomes too large. Throws it at once where the head says
    /// so, and `UNSUPPORTED_MEDIA_TYPE`.
    func bounded(_ request: Request) throws(CloudError) -> Request {
        let type = request.headers[.contentType] ?? ""
        guard types.contains(MediaType.of(type)) else {
            throw CloudError(
                .unsupportedMediaType,
                "The Content-Type is '\(type.shown)'. Send '\(types.joined(separator: "' or '"))'.")
        }
        // Before the first read of the body, which lets a client send it that waits for leave.
        if let length = request.headers[.contentLength].flatMap({ Int64($0) }), length > maxBytes {
            throw tooLarge
        }
        var request = request
        request.body = RequestBody(asyncSequence: Bounded(body: request.body, limit: self))
        return request
    }

    fileprivate var tooLarge: CloudError {
        CloudError(.payloadTooLarge, "The body is larger than \(maxBytes) bytes. Send a smaller one.")
    }
}

/// A body that ends with an error where it becomes too large.
private struct Bounded: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    let body: RequestBody
    let limit: UploadBody

    func makeAsyncIterator() -> Iterator { Iterator(body: body.makeAsyncIterator(), limit: limit) }

    struct Iterator: AsyncIteratorProtocol {
        var body: RequestBody.AsyncIterator
        let limit: UploadBody
        var taken: Int64 = 0

        mutating func next() async throws -> ByteBuffer? {
            guard let bytes = try await body.next() else { return nil }
            taken += Int64(bytes.readableBytes)
            guard taken <= limit.maxBytes else { throw limit.tooLarge }
            return bytes
        }
    }
}

/// The media type of a Content-Type (RFC 9110, section 8.3.1).
enum MediaType {
    /// Bytes of a Content-Type that is looked at.
    static let maxLength = 256

    /// In lower case and without its parameters, which mean nothing here; empty for one that is too long.
    static func of(_ contentType: String) -> String {
        guard contentType.utf8.count <= maxLength else { return "" }
        var type = contentType.utf8.prefix { $0 != UInt8(ascii: ";") }
        // Spaces may stand before the parameters.
        while let last = type.last, " \t".utf8.contains(last) { type.removeLast() }
        return String(Substring(type)).lowercased()
    }
}

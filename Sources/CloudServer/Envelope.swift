import CloudCore
import CloudWire
import Hummingbird
import NIOCore

/// Wraps answers as the public API does (API reference, "Envelopes").
struct Envelope: Sendable {
    static let contentType = "application/json; charset=utf-8"

    var requestId: String
    var timestamp: String

    init(_ context: CloudRequestContext, _ clock: any CloudClock) {
        self.init(requestId: context.requestId, clock)
    }

    init(requestId: String, _ clock: any CloudClock) {
        self.requestId = requestId
        timestamp = Timestamp.text(clock.nowMs)
    }

    /// The body of a success.
    func text<Payload: Codable & Sendable & JSONWritable>(
        _ data: Payload, meta: MetaWire? = nil, warnings: [String] = []
    ) throws -> String {
        try EnvelopeWire(
            data: data, meta: meta, warnings: warnings.isEmpty ? nil : warnings, requestId: requestId,
            timestamp: timestamp
        ).json()
    }

    func response<Payload: Codable & Sendable & JSONWritable>(
        _ status: HTTPResponse.Status, _ data: Payload
    ) throws -> Response {
        Self.response(status, body: try text(data))
    }

    func list<Element: Codable & Sendable & JSONWritable>(_ page: [Element], _ asked: Page, total: Int) throws
        -> Response
    {
        let meta = MetaWire(total: total, page: asked.number, limit: asked.limit)
        return Self.response(.ok, body: try text(page, meta: meta))
    }

    /// A page of a list that knows cursors.
    func list<Item, Element: Codable & Sendable & JSONWritable>(
        _ items: PageItems<Item>, _ asked: Page, _ element: (Item) -> Element
    ) throws -> Response {
        let meta = MetaWire(
            total: items.total, page: asked.cursor == nil ? asked.number : nil, limit: asked.limit,
            nextCursor: items.next?.text)
        return Self.response(.ok, body: try text(items.items.map(element), meta: meta))
    }

    /// The answer to a request that failed.
    func response(_ error: CloudError) throws -> Response {
        var response = Self.response(error.code.status, body: try text(error))
        switch error.code.status {
        case .unauthorized: response.headers[.wwwAuthenticate] = "Bearer"
        // The window of the rate limit is one second long.
        case .serviceUnavailable, .tooManyRequests: response.headers[.retryAfter] = "1"
        default: break
        }
        return response
    }

    /// The body of a failure.
    func text(_ error: CloudError) throws -> String {
        let problems = error.problems.map { ProblemWire(field: $0.field, message: $0.message) }
        return try ErrorWire(
            code: error.code.rawValue, message: error.message, errors: problems.isEmpty ? nil : problems,
            requestId: requestId, timestamp: timestamp
        ).json()
    }

    static func response(_ status: HTTPResponse.Status, body: String) -> Response {
        Response(
            status: status, headers: [.contentType: contentType],
            body: ResponseBody(byteBuffer: ByteBuffer(string: body)))
    }
}

extension ErrorCode {
    /// The one place that turns errors into statuses (API reference, "Error codes").
    var status: HTTPResponse.Status {
        switch self {
        case .badRequest, .validationError, .malformedJSON, .invalidIdempotencyKey, .computeRunning:
            .badRequest
        case .unauthorized: .unauthorized
        case .forbidden, .insufficientBalance, .teamPastDue, .teamSuspended, .teamTerminated: .forbidden
        case .resourceNotFound: .notFound
        case .methodNotAllowed: .methodNotAllowed
        case .conflict: .conflict
        case .payloadTooLarge: .contentTooLarge
        case .unsupportedMediaType: .unsupportedMediaType
        case .unprocessableEntity: .unprocessableContent
        case .tooManyRequests: .tooManyRequests
        case .internalServerError: .internalServerError
        case .serviceUnavailable: .serviceUnavailable
        }
    }
}

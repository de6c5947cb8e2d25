import CloudCore
import HTTPTypes
import NIOCore
import NIOHTTP1

/// Why a request ends before it is a request: the connection that brought it is closed with the answer.
struct Refusal: Error, Equatable {
    var status: HTTPResponse.Status
    var code = ErrorCode.badRequest
    var message: String

    static let malformed = Refusal(
        status: .badRequest, message: "The request is no HTTP. Check its first line and its header fields.")

    static func late(_ limits: ListenerLimits) -> Refusal {
        let seconds = Double(limits.request.nanoseconds) / 1e9
        return Refusal(
            status: .requestTimeout,
            message: "The request did not arrive whole within \(seconds.formatted) s. Send it in one go.")
    }

    static let stalled = Refusal(
        status: .requestTimeout,
        message: "The body came too slowly, or not any more. Send the request again over a better connection."
    )

    static func tooLarge(_ limits: ListenerLimits) -> Refusal {
        Refusal(
            status: .requestHeaderFieldsTooLarge,
            message:
                "The request's head is too large: at most \(limits.headerFields) fields, \(limits.headerField) bytes for the "
                + "path or for one field, \(limits.header) bytes in all.")
    }

    /// A peer has all the requests under way that one may have.
    static func crowded(_ limit: Int) -> Refusal {
        Refusal(
            status: .tooManyRequests, code: .tooManyRequests,
            message:
                "\(limit) requests from this address are under way, the most that one may have. Wait for one to end."
        )
    }

    /// All peers together have.
    static func full(_ limit: Int) -> Refusal {
        Refusal(
            status: .serviceUnavailable, code: .serviceUnavailable,
            message: "The server has \(limit) requests under way, the most that it can have. Try again later."
        )
    }

    /// A client of HTTP/2 asks for more while it does not read.
    static func unread(_ limits: ListenerLimits) -> Refusal {
        Refusal(
            status: .serviceUnavailable, code: .serviceUnavailable,
            message:
                "More than \(limits.unreadPerConnection) bytes of answers wait on this connection. Read them first."
        )
    }

    static func host(_ problem: String) -> Refusal {
        Refusal(status: .badRequest, message: "\(problem) Send one Host with the server's name or address.")
    }

    static func expectation(_ value: String) -> Refusal {
        Refusal(
            status: .expectationFailed,
            message:
                "The server can't meet the expectation '\(value.shown)'. Send 'Expect: 100-continue', or none."
        )
    }

    /// What the parser stumbled over.
    init(_ error: HTTPParserError, _ limits: ListenerLimits) {
        self = error == .headerOverflow ? .tooLarge(limits) : .malformed
    }

    private init(status: HTTPResponse.Status, code: ErrorCode = .badRequest, message: String) {
        self.status = status
        self.code = code
        self.message = message
    }

    var error: CloudError { CloudError(code, message) }

    /// The answer of a service that says in plain text what is wrong.
    static let plainAnswer: RequestGuard.Answer = { refusal in
        let body = ByteBuffer(string: refusal.message + "\n")
        let fields: HTTPFields = [
            .connection: "close", .contentType: "text/plain; charset=utf-8",
            .contentLength: "\(body.readableBytes)",
        ]
        return (HTTPResponse(status: refusal.status, headerFields: fields), body)
    }
}

extension Double {
    /// Without a fraction where there is none.
    fileprivate var formatted: String { Int64(exactly: self).map { "\($0)" } ?? "\(self)" }
}

import CloudCore
import HTTPTypes
import NIOCore
import NIOHTTP1

/// Why a request ends before it is a request: the connection that brought it is closed with the answer.
struct Refusal: Error, Equatable {
    var status: HTTPResponse.Status
    var message: String

    static let malformed = Refusal(
        status: .badRequest, message: "The request is no HTTP. Check its first line and its header fields.")

    static func late(_ limits: ListenerLimits) -> Refusal {
        let seconds = Double(limits.request.nanoseconds) / 1e9
        return Refusal(
            status: .requestTimeout,
            message: "The request did not arrive whole within \(seconds.formatted) s. Send it in one go.")
    }

    static func tooLarge(_ limits: ListenerLimits) -> Refusal {
        Refusal(
            status: .requestHeaderFieldsTooLarge,
            message:
                "The request's head is too large: at most \(limits.headerFields) fields, \(limits.headerField) bytes for the "
                + "path or for one field, \(limits.header) bytes in all.")
    }

    /// What the parser stumbled over.
    init(_ error: HTTPParserError, _ limits: ListenerLimits) {
        self = error == .headerOverflow ? .tooLarge(limits) : .malformed
    }

    private init(status: HTTPResponse.Status, message: String) {
        self.status = status
        self.message = message
    }

    var error: CloudError { CloudError(.badRequest, message) }
}

extension Double {
    /// Without a fraction where there is none.
    fileprivate var formatted: String { Int64(exactly: self).map { "\($0)" } ?? "\(self)" }
}

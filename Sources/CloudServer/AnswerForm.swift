import CloudCore
import HTTPTypes
import Hummingbird
import NIOCore

/// How a service says what went wrong.
enum AnswerForm: Sendable {
    /// The API: in an envelope, with the request's id.
    case envelope
    /// The metadata service: in a line of text.
    case text

    /// Who may ask for what is not there.
    var accessToNothing: RouteAccess {
        switch self {
        case .envelope: .anyone
        case .text: .guestAddress
        }
    }

    /// The answer to a request that failed.
    /// - Parameter methods: those that the path takes.
    func response(
        _ error: CloudError, _ context: CloudRequestContext, _ clock: any CloudClock,
        methods: @autoclosure () -> [HTTPRequest.Method]
    ) throws -> Response {
        var response =
            switch self {
            case .envelope: try Envelope(context, clock).response(error)
            case .text: Self.text(error.code.status, error.message)
            }
        if error.code == .methodNotAllowed {
            response.headers[.allow] = self == .text ? "GET, HEAD" : Self.list(methods(), ", ")
        }
        return response
    }

    /// What is said of a path where nothing is, or nothing by the method.
    /// - Parameter methods: those that the path takes.
    func noEndpoint(_ request: Request, methods: [HTTPRequest.Method]) -> CloudError {
        let path = request.uri.path.shown
        guard self == .envelope else { return MetadataServer.nothing(at: request.uri.path) }
        guard !methods.isEmpty else {
            return CloudError(
                .resourceNotFound,
                "There is no endpoint \(path). GET \(Routes.basePath)/openapi.json lists them.")
        }
        return CloudError(
            .methodNotAllowed,
            "\(path) does not take \(request.method.rawValue.shown). Use \(Self.list(methods, " or ")).")
    }

    private static func list(_ methods: [HTTPRequest.Method], _ separator: String) -> String {
        methods.map(\.rawValue).joined(separator: separator)
    }

    /// A plain text, ended by a line break unless it is empty.
    static func text(_ status: HTTPResponse.Status, _ text: String) -> Response {
        Response(
            status: status, headers: [.contentType: "text/plain; charset=utf-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text.isEmpty ? "" : text + "\n")))
    }
}

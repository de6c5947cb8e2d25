import CloudControl
import CloudCore
import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// The outermost layer of the metadata service: who may ask at all, errors as plain text, and one line of the log for
/// every request. Below the API's base path, errors and log are the API's own.
struct MetadataMiddleware: RouterMiddleware {
    let clock: any CloudClock
    let api: EnvelopeMiddleware
    let rate = GuestRate()

    /// Marks of a proxy in between: somebody inside of the guest could be tricked to ask for another (SSRF).
    private static let proxyMarks: [HTTPField.Name] = [.forwarded, .forwardedFor, .via]

    func handle(
        _ request: Request, context: CloudRequestContext,
        next: (Request, CloudRequestContext) async throws -> Response
    ) async throws -> Response {
        let isAPI = request.uri.path.hasPrefix(Routes.basePath + "/")
        var response =
            isAPI
            ? try await api.handle(request, context: context) { request, context in
                try admit(request, context)
                return try await next(request, context)
            }
            : try await plain(request, context) { request, context in
                try admit(request, context)
                return try await next(request, context)
            }
        response.headers[.cacheControl] = "no-store"
        // A body that nobody reads must not keep the connection busy.
        if Self.hasBody(request) { response.headers[.connection] = "close" }
        return response
    }

    private func admit(_ request: Request, _ context: CloudRequestContext) throws(CloudError) {
        if let peer = context.peer.ipv4Address { try rate.count(peer, nowMs: clock.nowMs) }
        guard request.method == .get || request.method == .head else {
            throw CloudError(
                .methodNotAllowed, "\(request.method.rawValue.shown) is not taken here. Use GET.")
        }
        guard !Self.hasBody(request) else {
            throw CloudError(.payloadTooLarge, "A request for metadata has no body. Send none.")
        }
        if let mark = Self.proxyMarks.first(where: { request.headers[$0] != nil }) {
            throw CloudError(
                .forbidden, "The request has the header \(mark.rawName), so it came by a proxy. Ask directly."
            )
        }
        // A page in a guest's browser could reach us under a name of its own (DNS rebinding).
        let hosts = ["\(IPv4Endpoint.wellKnownMetadata.address)", "\(IPv4Endpoint.wellKnownMetadata)"]
        if let host = request.head.authority, !hosts.contains(host) {
            throw CloudError(
                .forbidden,
                "The Host '\(host.shown)' is not ours. Ask http://\(hosts[0])\(MetadataServer.basePath)/.")
        }
    }

    private static func hasBody(_ request: Request) -> Bool {
        request.headers[.transferEncoding] != nil || (request.headers[.contentLength] ?? "0") != "0"
    }

    private func plain(
        _ request: Request, _ context: CloudRequestContext,
        next: (Request, CloudRequestContext) async throws -> Response
    ) async throws -> Response {
        let start = ContinuousClock.now
        var response: Response
        do {
            response = try await next(request, context)
        } catch {
            let error = translate(error, request)
            log(error, context)
            response = MetadataServer.text(error.code.status, error.message)
            if error.code == .methodNotAllowed { response.headers[.allow] = "GET, HEAD" }
        }
        if request.method == .head { response = response.createHeadResponse() }
        context.log.info(
            "metadata request",
            metadata: [
                "method": "\(request.method)", "path": "\(request.uri.path)",
                "peer": "\(context.peer.ipv4Address?.description ?? "unknown")",
                "status": "\(response.status.code)",
                "ms": "\((ContinuousClock.now - start) / .milliseconds(1))",
            ])
        return response
    }

    private func translate(_ error: any Error, _ request: Request) -> CloudError {
        if let error = error as? CloudError { return error }
        if error is CancellationError {
            return CloudError(.serviceUnavailable, "The service ends. Ask again in a second.")
        }
        guard (error as? any HTTPResponseError)?.status == .notFound else { return .bug("\(error)") }
        return MetadataServer.nothing(at: request.uri.path)
    }

    private func log(_ error: CloudError, _ context: CloudRequestContext) {
        context.log.log(
            level: error.code == .internalServerError ? .critical : .debug, "\(error)")
    }
}

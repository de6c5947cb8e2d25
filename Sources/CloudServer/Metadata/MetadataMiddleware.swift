import CloudCore
import Hummingbird
import Logging

/// The outermost layer of the metadata service: errors as plain text, and one line of the log for every request. Below
/// the API's base path all is the API's own.
struct MetadataMiddleware: RouterMiddleware {
    let rules: MetadataRules
    let api: CloudResponder

    func handle(
        _ request: Request, context: CloudRequestContext,
        next: (Request, CloudRequestContext) async throws -> Response
    ) async throws -> Response {
        var response =
            if request.uri.path.hasPrefix(Routes.basePath + "/") {
                try await api.respond(to: request, context: context)
            } else {
                try await plain(request, context, next)
            }
        response.headers[.cacheControl] = "no-store"
        // A body that nobody reads must not keep the connection busy.
        if MetadataRules.hasBody(request) { response.headers[.connection] = "close" }
        return response
    }

    private func plain(
        _ request: Request, _ context: CloudRequestContext,
        _ next: (Request, CloudRequestContext) async throws -> Response
    ) async throws -> Response {
        let start = ContinuousClock.now
        var response: Response
        do {
            try rules.check(request, context)
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

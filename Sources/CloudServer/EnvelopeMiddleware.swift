import CloudCore
import HTTPTypes
import Hummingbird
import Logging

/// The outermost layer: every request ends in an envelope with a request id, and in one line of the log.
struct EnvelopeMiddleware: RouterMiddleware {
    let clock: any CloudClock
    let routes: [Route]
    let admission: Admission

    func handle(
        _ request: Request, context: CloudRequestContext,
        next: (Request, CloudRequestContext) async throws -> Response
    ) async throws -> Response {
        let start = ContinuousClock.now
        let admitted = await admission.decide(request, routes.serving(request), peer: context.peer)
        var response: Response
        do {
            var context = context
            context.caller = try admitted.caller.get()
            response = try await next(request, context)
        } catch {
            let error = translate(error, request)
            log(error, context)
            response = try Envelope(context, clock).response(error)
            if error.code == .methodNotAllowed {
                response.headers[.allow] =
                    routes.serving(request.uri.path).map(\.method.rawValue).joined(separator: ", ")
            }
        }
        response.headers[.requestId] = context.requestId
        admitted.rate?.stamp(&response.headers)
        // An error's body would be read as the start of the next answer (RFC 9110, section 9.3.2).
        if request.method == .head { response = response.createHeadResponse() }
        context.logger.info(
            "request",
            metadata: [
                "requestId": "\(context.requestId)", "method": "\(request.method)",
                "path": "\(request.uri.path)", "status": "\(response.status.code)",
                "ms": "\((ContinuousClock.now - start) / .milliseconds(1))",
            ])
        return response
    }

    /// Ours as they are; the framework's by their status; all else is a bug.
    private func translate(_ error: any Error, _ request: Request) -> CloudError {
        if let error = error as? CloudError { return error }
        if error is CancellationError {
            return CloudError(
                .serviceUnavailable, "The server gave this request up, since it ends. Try again.")
        }
        guard let status = (error as? any HTTPResponseError)?.status else {
            return CloudError.bug("\(error)")
        }
        switch status {
        case .notFound: return noEndpoint(request)
        case .contentTooLarge: return JSONBody.tooLarge
        default: return CloudError(.badRequest, "The request could not be read.", detail: "\(error)")
        }
    }

    private func noEndpoint(_ request: Request) -> CloudError {
        let allowed = routes.serving(request.uri.path).map(\.method)
        guard !allowed.isEmpty else {
            return CloudError(
                .resourceNotFound,
                "There is no endpoint \(request.uri.path.shown). GET \(Routes.basePath)/openapi.json lists them."
            )
        }
        return CloudError(
            .methodNotAllowed,
            "\(request.uri.path.shown) does not take \(request.method.rawValue.shown). Use "
                + "\(allowed.map(\.rawValue).joined(separator: " or ")).")
    }

    private func log(_ error: CloudError, _ context: CloudRequestContext) {
        let level: Logger.Level =
            switch error.code {
            case .internalServerError: .critical
            case .serviceUnavailable: .error
            default: .debug
            }
        context.logger.log(level: level, "\(error)", metadata: ["requestId": "\(context.requestId)"])
    }
}

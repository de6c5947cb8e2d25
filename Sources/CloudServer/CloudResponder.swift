import CloudControl
import CloudCore
import CloudMetrics
import HTTPTypes
import Hummingbird
import Logging
import NIOHTTP1

/// Answers every request of a service: finds its endpoint and who asks, and ends it in the service's form, and in one line of
/// the log.
struct CloudResponder: HTTPResponder {
    let clock: any CloudClock
    let routes: [Route]
    let admission: Admission
    let metrics: RequestMetrics
    let limits: ListenerLimits
    var proxies = TrustedProxies.none
    /// `nil`: pages of other origins are not answered.
    var crossOrigin: CrossOrigin?
    /// In which form requests for a path are answered.
    var form: @Sendable (_ path: String) -> AnswerForm = { _ in .envelope }
    /// What is asked of a request besides, once it is known who sent it.
    var check: @Sendable (Request, CloudRequestContext) throws(CloudError) -> Void = { _, _ in }

    func respond(to request: Request, context: CloudRequestContext) async throws -> Response {
        let start = ContinuousClock.now
        let route = routes.serving(request.method, request.uri.path)
        let context = proxies == .none ? context : counted(context, request)
        let response = try await metrics.inFlight.during { try await answer(request, route, context) }
        let duration = ContinuousClock.now - start
        metrics.answered(
            method: request.method.rawValue, route: route?.path.text, status: response.status.code,
            after: duration)
        if context.logger.logLevel <= .info {
            let facts: Logger.Metadata = [
                "method": "\(request.method.rawValue.shown)", "path": "\(request.uri.path.shown)",
                "status": "\(response.status.code)", "ms": "\(duration / .milliseconds(1))",
            ]
            context.log.info("request", metadata: facts.merging(context.trace.metadata) { $1 })
        }
        return response
    }

    /// With the peer whom a proxy names.
    private func counted(_ context: CloudRequestContext, _ request: Request) -> CloudRequestContext {
        var context = context
        context.peer = proxies.peer(of: request.headers, from: context.address)
        return context
    }

    private func answer(
        _ request: Request, _ route: Route?, _ context: CloudRequestContext
    ) async throws -> Response {
        let form = form(request.uri.path)
        let admitted = await admission.decide(
            request, route?.access ?? form.accessToNothing, peer: context.peer)
        var response: Response
        do {
            response = try await handle(request, route, try admitted.identity.get(), context, form)
        } catch {
            let refusal = refusal(error)
            let error = refusal?.error ?? translate(error)
            log(error, context)
            response = try form.response(
                error, context, clock, methods: routes.serving(request.uri.path).map(\.method))
            if let refusal { response.status = refusal.status }
        }
        if form == .envelope { response.headers[.requestId] = context.requestId }
        admitted.rate?.stamp(&response.headers)
        crossOrigin?.stamp(request, &response.headers)
        // An error's body would be read as the start of the next answer (RFC 9110, section 9.3.2).
        if request.method == .head { response = response.createHeadResponse() }
        return response
    }

    private func handle(
        _ request: Request, _ route: Route?, _ identity: Authenticate.Identity?,
        _ context: CloudRequestContext, _ form: AnswerForm
    ) async throws -> Response {
        var context = context
        context.parameter = route?.path.parameter(of: request.uri.path) ?? ""
        try admit(identity, route, &context)
        try check(request, context)
        guard let route else {
            let methods = routes.serving(request.uri.path).map(\.method)
            if let preflight = crossOrigin?.preflight(request, methods: methods) { return preflight }
            throw form.noEndpoint(request, methods: methods)
        }
        if route.isOfCompute { context.trace.note(compute: context.parameter) }
        context.body = route.body
        guard case .upload(let body) = route.body else { return try await route.handle(request, context) }
        return try await route.handle(try body.bounded(request), context)
    }

    /// Tells the handler who asks. Throws what `Route.admit` throws.
    private func admit(
        _ identity: Authenticate.Identity?, _ route: Route?, _ context: inout CloudRequestContext
    ) throws(CloudError) {
        switch identity {
        case nil: break
        case .caller(let caller):
            context.caller = caller
            context.trace.note(teamId: caller.teamId)
        case .guest(let guest):
            context.trace.note(teamId: guest.teamId)
            try route?.admit(guest, to: &context)
        }
    }

    /// Why the rest of the request's body never comes, if that is the reason.
    private func refusal(_ error: any Error) -> Refusal? {
        if let error = error as? HTTPParserError { return Refusal(error, limits) }
        return error as? Refusal
    }

    /// Ours as they are; the framework's by their status; all else is a bug.
    private func translate(_ error: any Error) -> CloudError {
        if let error = error as? CloudError { return error }
        if error is CancellationError {
            return CloudError(
                .serviceUnavailable, "The server gave this request up, since it ends. Try again.")
        }
        guard error is any HTTPResponseError else { return CloudError.bug("\(error)") }
        return CloudError(.badRequest, "The request could not be read.", detail: "\(error)")
    }

    private func log(_ error: CloudError, _ context: CloudRequestContext) {
        let level: Logger.Level =
            switch error.code {
            case .internalServerError: .critical
            case .serviceUnavailable: .error
            default: .debug
            }
        context.log.log(level: level, "\(error)", metadata: context.trace.metadata)
    }
}

import CloudControl
import CloudCore
import FoundationEssentials
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore

/// The HTTP side: routes, authentication, envelopes and limits in front of the verbs of CloudControl.
public enum CloudServer {
    /// The application, to be run as a service.
    /// - Parameters:
    ///   - identity: what TLS shows; `nil`: no TLS.
    ///   - onRunning: called with the address once the listener accepts connections.
    public static func application(
        cloud: Cloud, listen: Listen, limits: ListenerLimits = ListenerLimits(),
        identity: TLSIdentity? = nil, metrics: RequestMetrics = RequestMetrics(), logger: Logger,
        onRunning: @escaping @Sendable (String) async -> Void = { _ in }
    ) -> Application<some HTTPResponder<CloudRequestContext>> {
        let refuse: RequestGuard.Answer = { refusal in
            RefusedRequest(clock: cloud.clock, metrics: metrics, logger: logger).answer(refusal)
        }
        return Application(
            router: router(cloud, metrics, limits),
            server: HTTPServerBuilder { responder in
                ServerChannel(limits: limits, identity: identity, refuse: refuse, responder: responder)
            },
            configuration: configuration(listen, limits, logger),
            onServerRunning: { channel in
                await onRunning(listen.bound(channel.localAddress, isSecure: identity != nil))
            },
            logger: logger)
    }

    /// Every endpoint of the server, as data: method and path below the base path, with `{id}` for parameters.
    public static func endpoints(_ cloud: Cloud) -> [(method: String, path: String)] {
        Routes.all(cloud).map { ($0.method.rawValue, $0.path) }
    }

    static func router(
        _ cloud: Cloud, _ metrics: RequestMetrics, _ limits: ListenerLimits
    ) -> Router<CloudRequestContext> {
        let routes = Routes.all(cloud)
        let router = Router(context: CloudRequestContext.self, options: .autoGenerateHeadEndpoints)
        router.add(
            middleware: EnvelopeMiddleware(
                clock: cloud.clock, routes: routes, admission: Admission(cloud), metrics: metrics,
                limits: limits))
        for route in routes {
            router.on(RouterPath(Routes.basePath + route.path), method: route.method) { request, context in
                // Found by the admission; should it and the router ever differ, nobody gets in.
                if !route.isPublic, context.guest == nil { _ = try context.requireCaller() }
                if route.path.hasPrefix("/computes/"), let id = context.parameters.get("id") {
                    context.trace.note(compute: id)
                }
                return try await route.handle(request, context)
            }
        }
        return router
    }

    static func configuration(
        _ listen: Listen, _ limits: ListenerLimits, _ logger: Logger
    ) -> ApplicationConfiguration {
        let address: BindAddress =
            switch listen {
            case .tcp(let host, let port): .hostname(host, port: port)
            case .unix(let path): .unixDomainSocket(path: path)
            }
        return ApplicationConfiguration(
            address: address, serverName: "strettch", backlog: limits.backlog,
            availableConnectionsDelegate: .maximum(limits.connections, logger: logger))
    }
}

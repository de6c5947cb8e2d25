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
    /// - Parameter onRunning: called with the address once the listener accepts connections.
    public static func application(
        cloud: Cloud, settings: CloudListener.Settings, metrics: RequestMetrics = RequestMetrics(),
        logger: Logger, onRunning: @escaping @Sendable (String) async -> Void = { _ in }
    ) -> Application<some HTTPResponder<CloudRequestContext>> {
        application(
            Routes.all(cloud), cloud: cloud, settings: settings, metrics: metrics, logger: logger,
            onRunning: onRunning)
    }

    static func application(
        _ routes: [Route], cloud: Cloud, settings: CloudListener.Settings,
        metrics: RequestMetrics = RequestMetrics(), logger: Logger,
        onRunning: @escaping @Sendable (String) async -> Void = { _ in }
    ) -> Application<some HTTPResponder<CloudRequestContext>> {
        let refuse: RequestGuard.Answer = { refusal in
            RefusedRequest(clock: cloud.clock, metrics: metrics, logger: logger).answer(refusal)
        }
        let (listen, limits, identity) = (settings.listen, settings.limits, settings.identity)
        let connections = Connections(limits, settings.proxies)
        return Application(
            responder: CloudResponder(
                clock: cloud.clock, routes: routes, admission: Admission(cloud), metrics: metrics,
                limits: limits, proxies: settings.proxies, crossOrigin: settings.crossOrigin),
            server: HTTPServerBuilder { responder in
                ServerChannel(
                    connections: connections, limits: limits, identity: identity,
                    uploads: { routes.upload(of: $0) }, refuse: refuse, responder: responder)
            },
            configuration: configuration(listen, limits),
            onServerRunning: { channel in
                await onRunning(listen.bound(channel.localAddress, isSecure: identity != nil))
            },
            logger: logger)
    }

    /// Every endpoint of the server, as data: method and path below the base path, with `{id}` for parameters.
    public static func endpoints(_ cloud: Cloud) -> [(method: String, path: String)] {
        Routes.all(cloud).map { ($0.method.rawValue, String($0.path.text.dropFirst(Routes.basePath.count))) }
    }

    static func configuration(_ listen: Listen, _ limits: ListenerLimits) -> ApplicationConfiguration {
        let address: BindAddress =
            switch listen {
            case .tcp(let host, let port): .hostname(host, port: port)
            case .unix(let path): .unixDomainSocket(path: path)
            }
        return ApplicationConfiguration(
            address: address, serverName: "strettch", backlog: limits.backlog)
    }
}

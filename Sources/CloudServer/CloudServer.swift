import CloudControl
import CloudCore
import Hummingbird
import Logging
import NIOCore

/// The HTTP side: routes, authentication, envelopes and limits in front of the verbs of CloudControl.
public enum CloudServer {
    /// Where the server listens.
    public enum Listen: Sendable, Equatable {
        case tcp(host: String, port: Int)
        case unix(path: String)

        /// Whether this machine alone reaches it.
        public var isLocal: Bool {
            switch self {
            case .tcp("localhost", _), .tcp("::1", _), .unix: true
            case .tcp(let host, _): IPv4Address(host).map { $0.value >> 24 == 127 } ?? false
            }
        }
    }

    /// A connection on which nothing is heard for so long is closed, in the midst of a request too.
    static let idleTimeout = TimeAmount.seconds(75)

    /// The application, to be run as a service.
    /// - Parameter onRunning: called with the address once the listener accepts connections.
    public static func application(
        cloud: Cloud, listen: Listen, logger: Logger,
        onRunning: @escaping @Sendable (String) async -> Void = { _ in }
    ) -> Application<some HTTPResponder<CloudRequestContext>> {
        let address: BindAddress =
            switch listen {
            case .tcp(let host, let port): .hostname(host, port: port)
            case .unix(let path): .unixDomainSocket(path: path)
            }
        return Application(
            router: router(cloud),
            server: .http1(configuration: .init(idleTimeout: idleTimeout)),
            configuration: ApplicationConfiguration(address: address, serverName: "strettch"),
            onServerRunning: { channel in await onRunning(Self.text(channel.localAddress, listen)) },
            logger: logger)
    }

    /// Every endpoint of the server, as data: method and path below the base path, with `{id}` for parameters.
    public static func endpoints(_ cloud: Cloud) -> [(method: String, path: String)] {
        Routes.all(cloud).map { ($0.method.rawValue, $0.path) }
    }

    static func router(_ cloud: Cloud) -> Router<CloudRequestContext> {
        let routes = Routes.all(cloud)
        let router = Router(context: CloudRequestContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: EnvelopeMiddleware(clock: cloud.clock, routes: routes))
        for route in routes {
            router.on(RouterPath(Routes.basePath + route.path), method: route.method) { request, context in
                var context = context
                if !route.isPublic {
                    switch try await Authenticate(authorization: request.headers[.authorization]).identify(
                        in: cloud)
                    {
                    case .caller(let caller): context.caller = caller
                    case .guest(let guest): try route.admit(guest, to: &context)
                    }
                }
                return try await route.handle(request, context)
            }
        }
        return router
    }

    private static func text(_ bound: SocketAddress?, _ listen: Listen) -> String {
        switch listen {
        case .tcp(let host, let port): "http://\(host):\(bound?.port ?? port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}

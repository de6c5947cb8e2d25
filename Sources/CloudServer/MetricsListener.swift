import CloudCore
import CloudMetrics
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle

/// `GET /metrics` for Prometheus, on an address of its own: the figures tell of all teams, so only this machine reads
/// them.
public struct MetricsListener: Service {
    private let listen: CloudServer.Listen
    private let logger: Logger
    private let scrape: @Sendable () async throws -> [MetricFamily]
    private let onRunning: @Sendable (String) async -> Void

    /// A few scrapers, all of this machine; no more.
    static let limits = {
        var limits = ListenerLimits(connections: 16)
        limits.perPeer = limits.connections
        return limits
    }()

    /// - Parameters:
    ///   - scrape: all that is to be told, read anew for each request.
    ///   - onRunning: called with the address once the listener accepts connections.
    public init(
        listen: CloudServer.Listen, logger: Logger,
        scrape: @escaping @Sendable () async throws -> [MetricFamily],
        onRunning: @escaping @Sendable (String) async -> Void = { _ in }
    ) {
        self.listen = listen
        self.logger = logger
        self.scrape = scrape
        self.onRunning = onRunning
    }

    /// Serves until a graceful shutdown. Throws as `CloudListener` does.
    public func run() async throws {
        let (listen, limits, onRunning) = (listen, Self.limits, onRunning)
        let connections = Connections(limits)
        let application = Application(
            router: router(),
            server: HTTPServerBuilder { responder in
                ServerChannel(
                    connections: connections, limits: limits, identity: nil, refuse: Refusal.plainAnswer,
                    responder: responder)
            },
            configuration: CloudServer.configuration(listen, limits),
            onServerRunning: { await onRunning(listen.bound($0.localAddress, isSecure: false)) },
            logger: logger)
        try await listen.whileServing(option: "--metrics") { try await application.run() }
    }

    private func router() -> Router<BasicRequestContext> {
        let router = Router()
        router.get("metrics") { [scrape, logger] _, _ in
            do {
                let text = PrometheusText.render(try await scrape())
                return Response(
                    status: .ok, headers: [.contentType: PrometheusText.contentType],
                    body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
            } catch {
                logger.error("The metrics could not be read.", metadata: ["error": "\(error)"])
                return Response(status: .serviceUnavailable)
            }
        }
        return router
    }
}

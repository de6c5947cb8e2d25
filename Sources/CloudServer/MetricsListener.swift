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

    /// A few scrapers; no more.
    static let maxConnections = 16

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
        var limits = ListenerLimits()
        limits.connections = Self.maxConnections
        let (listen, bounds, onRunning) = (listen, limits, onRunning)
        let refuse: RequestGuard.Answer = { refusal in
            let body = ByteBuffer(string: refusal.message + "\n")
            return (
                HTTPResponse(
                    status: refusal.status,
                    headerFields: [.connection: "close", .contentLength: "\(body.readableBytes)"]), body
            )
        }
        let application = Application(
            router: router(),
            server: HTTPServerBuilder { responder in
                ServerChannel(limits: bounds, identity: nil, refuse: refuse, responder: responder)
            },
            configuration: CloudServer.configuration(listen, limits, logger),
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

import CloudControl
import CloudCore
import Hummingbird
import Logging
import ServiceLifecycle

/// The server as a service, whose failure to listen says what to do.
///
/// At a graceful shutdown it stops to accept, lets the requests under way end, and cancels those that have not ended
/// within `ListenerLimits.drain`. A handler that waits for something (an event, a state) wraps its wait in
/// `cancelWhenGracefulShutdown { … }` of ServiceLifecycle, and so ends at once; a `CancellationError` that it lets pass is
/// answered with 503, and a response that has begun ends where it is.
public struct CloudListener: Service {
    /// How and where to listen.
    public struct Settings: Sendable {
        public var listen: CloudServer.Listen
        public var limits: ListenerLimits
        /// What TLS shows; `nil`: no TLS.
        public var identity: TLSIdentity?
        /// Whose word is taken for where requests come from.
        public var proxies: TrustedProxies
        /// Whose pages may read answers in a browser; `nil`: nobody's.
        public var crossOrigin: CrossOrigin?

        public init(
            listen: CloudServer.Listen, limits: ListenerLimits = ListenerLimits(),
            identity: TLSIdentity? = nil, proxies: TrustedProxies = .none, crossOrigin: CrossOrigin? = nil
        ) {
            self.listen = listen
            self.limits = limits
            self.identity = identity
            self.proxies = proxies
            self.crossOrigin = crossOrigin
        }
    }

    private let cloud: Cloud
    /// What is served: the API.
    var routes: [Route]
    private let settings: Settings
    private let metrics: RequestMetrics
    private let logger: Logger
    private let certificatePoll: Duration
    private let onRunning: @Sendable (String) async -> Void

    /// - Parameters:
    ///   - certificatePoll: between two looks at the files of the certificate.
    ///   - onRunning: called with the address once the listener accepts connections.
    public init(
        cloud: Cloud, settings: Settings, metrics: RequestMetrics = RequestMetrics(), logger: Logger,
        certificatePoll: Duration = .seconds(10),
        onRunning: @escaping @Sendable (String) async -> Void = { _ in }
    ) {
        self.cloud = cloud
        routes = Routes.all(cloud)
        self.settings = settings
        self.metrics = metrics
        self.logger = logger
        self.certificatePoll = certificatePoll
        self.onRunning = onRunning
    }

    /// Serves until a graceful shutdown. Throws `CONFLICT` when another program listens there, and
    /// `VALIDATION_ERROR` when the address is none of this machine's or may not be used.
    public func run() async throws {
        warnOfKey()
        try await settings.listen.whileServing(option: "--listen") {
            // Each child returns whether the server is over.
            try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask {
                    try await CloudServer.application(
                        routes, cloud: cloud, settings: settings, metrics: metrics, logger: logger,
                        onRunning: onRunning
                    ).run()
                    return true
                }
                group.addTask {
                    await followCertificate()
                    return false
                }
                group.addTask { await drainIsOver() }
                while let isOver = try await group.next(), !isOver {}
                group.cancelAll()
            }
        }
    }

    private func warnOfKey() {
        if let warning = settings.identity?.warning { logger.warning("\(warning)") }
    }

    /// Looks for a new certificate now and then, until a shutdown.
    private func followCertificate() async {
        guard let identity = settings.identity else { return }
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                try? await Task.sleep(for: certificatePoll)  // throws when cancelled, and the loop ends
                do {
                    guard try identity.reload() else { continue }
                    logger.notice("A new TLS certificate is in use.")
                    warnOfKey()
                } catch {
                    logger.error(
                        "The new TLS certificate can't be used; the one before it stays in use.",
                        metadata: ["error": "\(error)"])
                }
            }
        }
    }

    /// Returns true once a shutdown has lasted as long as it may, false when the server ended before.
    private func drainIsOver() async -> Bool {
        do {
            try await gracefulShutdown()
            try await Task.sleep(for: settings.limits.drain)
        } catch {
            return false  // cancelled: the server has ended
        }
        logger.warning(
            "Requests under way are given up.", metadata: ["after": "\(settings.limits.drain)"])
        return true
    }
}

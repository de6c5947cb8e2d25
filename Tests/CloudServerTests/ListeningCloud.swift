import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
import CloudTesting
import CloudWorker
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization

@testable import CloudServer

/// A cloud that listens on a port of the loopback, as `strettch serve` does. Taken down gracefully afterwards.
struct ListeningCloud: Sendable {
    let address: String
    let port: Int
    /// An owner's key.
    let key: String
    let metrics: RequestMetrics
    /// Asks for a graceful shutdown; returns at once.
    let beginShutdown: @Sendable () async -> Void

    static var quiet: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }

    /// - Parameters:
    ///   - routes: what is served in place of the API.
    ///   - wrap: puts something between the server and its database.
    static func with(
        limits: ListenerLimits = ListenerLimits(), identity: TLSIdentity? = nil,
        host: String = "127.0.0.1", proxies: TrustedProxies = .none, crossOrigin: CrossOrigin? = nil,
        logger: Logger = quiet,
        certificatePoll: Duration = .milliseconds(10), routes: [Route]? = nil,
        wrap: (any Database) -> any Database = { $0 },
        _ body: @escaping @Sendable (ListeningCloud) async throws -> Void
    ) async throws {
        try await Engine.standard.withDatabase { database in
            let inner = cloud(database)
            try await RegisterHost(facts: HostFacts(identity: "host-1", name: "host-1"), owner: "none").run(
                in: database, HostClaim(), clock: inner.clock)
            let key = try await CreateTeam(name: "team").run(in: inner).key.secret
            let metrics = RequestMetrics()
            let (running, isRunning) = AsyncStream<String>.makeStream()
            var listener = CloudListener(
                cloud: cloud(wrap(database)),
                settings: .init(
                    listen: .tcp(host: host, port: 0), limits: limits, identity: identity, proxies: proxies,
                    crossOrigin: crossOrigin),
                metrics: metrics, logger: logger, certificatePoll: certificatePoll,
                onRunning: { isRunning.yield($0) })
            if let routes { listener.routes = routes }
            let services = ServiceGroup(configuration: .init(services: [listener], logger: quiet))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    defer { isRunning.finish() }
                    try await services.run()
                }
                guard let address = await running.first(where: { _ in true }),
                    let port = address.split(separator: ":").last.flatMap({ Int($0) })
                else {
                    try await group.waitForAll()
                    throw NeverTrue(what: "the listener runs")
                }
                let running = ListeningCloud(
                    address: address, port: port, key: key, metrics: metrics,
                    beginShutdown: { await services.triggerGracefulShutdown() })
                do {
                    try await body(running)
                } catch {
                    group.cancelAll()
                    throw error
                }
                await services.triggerGracefulShutdown()
                try await group.waitForAll()
            }
        }
    }

    private static func cloud(_ database: any Database) -> Cloud {
        Cloud(
            database: database, catalogue: .test, settings: .test,
            randomBytes: { count in (0..<count).map { _ in UInt8.random(in: .min ... .max) } }, wake: {})
    }

    /// Runs curl with the options and the address of `path`, and returns what it printed.
    /// - Parameter input: what it may read from its standard input.
    func curl(
        _ options: [String], _ path: String = "/api/v1/health", input: String = ""
    ) async throws -> String {
        try await Command(
            "curl", ["--silent", "--show-error", "--max-time", "20"] + options + [address + path],
            input: input
        )
        .run().standardOutput
    }

    /// Opens a connection without TLS, for bytes of any kind.
    /// - Parameter source: the address that it comes from, one of the loopback.
    func connect<T: Sendable>(
        from source: String = "127.0.0.1", _ body: @escaping @Sendable (RawConnection) async throws -> T
    ) async throws -> T {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(to: try SocketAddress(ipAddress: source, port: 0))
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            let connection = RawConnection(outbound: outbound)
            return try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await connection.receive(inbound) }
                defer { group.cancelAll() }
                return try await body(connection)
            }
        }
    }
}

extension ListeningCloud {
    /// Opens a connection of which nothing is read.
    func deaf(
        _ body: @escaping @Sendable (NIOAsyncChannelOutboundWriter<ByteBuffer>) async throws -> Void
    ) async throws {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.autoRead, value: false)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel,
                        configuration: .init(
                            backPressureStrategy: .init(lowWatermark: 1, highWatermark: 2)))
                }
            }
        try await channel.executeThenClose { _, outbound in try await body(outbound) }
    }
}

/// A connection on which a test says what it likes.
final class RawConnection: Sendable {
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private let state = Mutex((text: "", isClosed: false))

    init(outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>) { self.outbound = outbound }

    /// Whether the server has closed it.
    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// All that the server has said.
    var text: String { state.withLock { $0.text } }

    func send(_ text: String) async throws { try await outbound.write(ByteBuffer(string: text)) }

    /// All that the server says until it closes the connection.
    func readToEnd() async throws -> String {
        try await eventually("the server closes") { self.state.withLock { $0.isClosed } }
        return text
    }

    /// What the server says until `end` is in it.
    func read(until end: String) async throws -> String {
        try await eventually("the server says '\(end)'") { self.text.contains(end) }
        return text
    }

    fileprivate func receive(_ inbound: NIOAsyncChannelInboundStream<ByteBuffer>) async {
        do {
            for try await bytes in inbound { state.withLock { $0.text += String(buffer: bytes) } }
        } catch {
            state.withLock { $0.text += "" }  // a reset ends the connection as well
        }
        state.withLock { $0.isClosed = true }
    }
}

import CloudControl
import CloudCore
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The metadata service of a bridged host. The host's rules send here what guests say to 169.254.169.254, and let
/// nobody else in (docs/network.md).
public struct MetadataListener: Service {
    private let cloud: Cloud
    private let listen: IPv4Endpoint
    private let logger: Logger
    private let onRunning: @Sendable (IPv4Endpoint) async -> Void

    /// Guests ask seldom and for little. So no guest can take the service from the others of its team, and no team from
    /// other teams.
    static let limits = {
        var limits = ListenerLimits(connections: 512)
        limits.perPeer = 16
        limits.perGroup = 128
        limits.opening = .seconds(5)
        limits.request = .seconds(10)
        limits.idle = .seconds(10)
        limits.stalled = .seconds(10)
        limits.unread = .seconds(10)
        limits.headerField = 8192
        limits.header = 8192
        return limits
    }()

    private typealias Accepted = NIOAsyncChannel<ServerChannel.Value, Never>

    /// - Parameters:
    ///   - listen: need not be an address of this host yet: it is while there are guests.
    ///   - onRunning: called with the address and port once connections are accepted.
    public init(
        cloud: Cloud, listen: IPv4Endpoint, logger: Logger,
        onRunning: @escaping @Sendable (IPv4Endpoint) async -> Void = { _ in }
    ) {
        self.cloud = cloud
        self.listen = listen
        self.logger = logger
        self.onRunning = onRunning
    }

    /// Serves until a graceful shutdown; requests under way are given up then, since asking again is harmless. Throws
    /// `CONFLICT` when another program listens there.
    public func run() async throws {
        let server = channel()
        let connections = try await bind(server)
        let port = connections.channel.localAddress?.port ?? listen.port
        await onRunning(IPv4Endpoint(address: listen.address, port: port))
        do {
            try await cancelWhenGracefulShutdown { try await serve(connections, server) }
        } catch is CancellationError {
            return  // the end was asked for
        }
    }

    private func serve(_ connections: Accepted, _ server: ServerChannel) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            try await connections.executeThenClose { inbound in
                for try await connection in inbound {
                    group.addTask { await server.handle(value: connection, logger: logger) }
                }
            }
            group.cancelAll()
        }
    }

    private func channel() -> ServerChannel {
        let responder = MetadataServer(cloud: cloud).responder
        let (logger, teamPrefix) = (logger, cloud.settings.teamPrefix)
        return ServerChannel(
            connections: Self.connections(teamPrefix: teamPrefix),
            limits: Self.limits, identity: nil, refuse: Refusal.plainAnswer,
            responder: { request, writer, channel in
                let context = CloudRequestContext(source: .init(channel: channel, logger: logger))
                var response = try await responder.respond(to: request, context: context)
                response.headers[.cacheControl] = "no-store"
                // A body that nobody reads must not keep the connection busy.
                if MetadataRules.hasBody(request) { response.headers[.connection] = "close" }
                try await writer.write(response: response.head, body: response.body)
                if response.headers[.connection] == "close" { channel.close(promise: nil) }
            })
    }

    /// The guests of a team are a group: its network is a block of its own.
    static func connections(teamPrefix: Int) -> Connections {
        Connections(limits) { guest in
            guest.ipv4Address.map { UInt64($0.value) >> UInt64(32 - teamPrefix) }
        }
    }

    private func bind(_ server: ServerChannel) async throws -> Accepted {
        let logger = logger
        do {
            return try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .serverChannelOption(.backlog, value: Int32(Self.limits.backlog))
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .serverChannelOption(.ipOption(.freeBind), value: 1)
                .serverChannelInitializer { listening in
                    listening.eventLoop.makeCompletedFuture {
                        try listening.pipeline.syncOperations.addHandler(PassingAcceptErrors(logger: logger))
                    }
                }
                .childChannelOption(.allowRemoteHalfClosure, value: true)
                .bind(host: listen.address.description, port: listen.port) { connection in
                    server.setup(channel: connection, logger: logger)
                }
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw CloudError(
                .conflict,
                "Another program listens on \(listen), where the metadata service should. Stop it, or choose another "
                    + "address with metadataListen.")
        }
    }
}

extension NIOBSDSocket.Option {
    /// Lets a socket listen on an address that the host does not hold yet: IP_FREEBIND of ip(7).
    fileprivate static let freeBind = NIOBSDSocket.Option(rawValue: 15)
}

/// Keeps the server accepting after a connection could not be: it was given up meanwhile, or files or memory ran short
/// for a moment. After all else the channel closes by itself.
private final class PassingAcceptErrors: ChannelInboundHandler {
    typealias InboundIn = any Channel

    private let logger: Logger

    init(logger: Logger) { self.logger = logger }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        logger.warning("a metadata connection could not be accepted", metadata: ["error": "\(error)"])
    }
}

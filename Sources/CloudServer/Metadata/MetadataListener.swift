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

    /// A connection on which nothing is heard for so long is closed, in the midst of a request too.
    static let idleTimeout = TimeAmount.seconds(10)
    /// Of all headers of a request together, in bytes; more is answered with 400.
    static let maxHeaderLength = 8192
    /// Connections that wait to be accepted.
    static let backlog: Int32 = 256

    private typealias Connections = NIOAsyncChannel<HTTP1Channel.Value, Never>

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
        let http = channel()
        let connections = try await bind(http)
        let port = connections.channel.localAddress?.port ?? listen.port
        await onRunning(IPv4Endpoint(address: listen.address, port: port))
        do {
            try await cancelWhenGracefulShutdown { try await serve(connections, http) }
        } catch is CancellationError {
            return  // the end was asked for
        }
    }

    private func serve(_ connections: Connections, _ http: HTTP1Channel) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            try await connections.executeThenClose { inbound in
                for try await connection in inbound {
                    group.addTask { await http.handle(value: connection, logger: logger) }
                }
            }
            group.cancelAll()
        }
    }

    private func channel() -> HTTP1Channel {
        let responder = MetadataServer(cloud: cloud).router.buildResponder()
        let logger = logger
        let decoder = HTTP1Channel.Configuration.DecoderConfiguration(
            maxHeaderFieldSize: Self.maxHeaderLength, maxHeaderListSize: Self.maxHeaderLength)
        return HTTP1Channel(
            responder: { request, writer, channel in
                let context = CloudRequestContext(source: .init(channel: channel, logger: logger))
                let response = try await responder.respond(to: request, context: context)
                try await writer.write(response: response.head, body: response.body)
                if response.headers[.connection] == "close" { channel.close(promise: nil) }
            },
            configuration: .init(idleTimeout: Self.idleTimeout, httpDecoderConfiguration: decoder))
    }

    private func bind(_ http: HTTP1Channel) async throws -> Connections {
        let guests = GuestConnections()
        let logger = logger
        do {
            return try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .serverChannelOption(.backlog, value: Self.backlog)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .serverChannelOption(.ipOption(.freeBind), value: 1)
                .serverChannelInitializer { server in
                    server.eventLoop.makeCompletedFuture {
                        try server.pipeline.syncOperations.addHandler(PassingAcceptErrors(logger: logger))
                    }
                }
                .childChannelOption(.allowRemoteHalfClosure, value: true)
                .bind(host: listen.address.description, port: listen.port) { connection in
                    do {
                        try guests.admit(connection)
                        return http.setup(channel: connection, logger: logger)
                    } catch {
                        logger.debug("a metadata connection was refused", metadata: ["error": "\(error)"])
                        return connection.eventLoop.makeFailedFuture(error)
                    }
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

import Hummingbird
import HummingbirdCore
import HummingbirdHTTP2
import Logging
import NIOCore
import NIOHTTP1
import NIOSSL
import NIOTLS

/// How a connection becomes requests: HTTP/1.1 without TLS; with TLS what ALPN agrees on, HTTP/2 or HTTP/1.1.
struct ServerChannel: ServerChildChannel {
    typealias TLS = NIOSSLServerHandler

    /// There is no room for another connection.
    struct NoRoom: Error {}

    enum Negotiated: Sendable {
        case http1(HTTP1Channel.Value)
        case http2(HTTP2Channel.Value)
    }

    struct Value: ServerChildChannelValue {
        let channel: any Channel
        /// Completes with the TLS handshake; at once where there is none.
        let negotiated: EventLoopFuture<Negotiated>
    }

    /// Names of the protocols in ALPN, best first (RFC 9113, section 3.2; RFC 7301, section 6).
    static let protocols = ["h2", "http/1.1"]

    private let connections: Connections
    private let limits: ListenerLimits
    private let identity: TLSIdentity?
    private let uploads: RequestGuard.Uploads
    private let refuse: RequestGuard.Answer
    private let responder: HTTPChannelHandler.Responder

    /// - Parameters:
    ///   - connections: those of this listener.
    ///   - identity: what TLS shows; `nil`: no TLS.
    ///   - uploads: which bodies are handed on as they come.
    init(
        connections: Connections, limits: ListenerLimits, identity: TLSIdentity?,
        uploads: @escaping RequestGuard.Uploads = { _ in nil }, refuse: @escaping RequestGuard.Answer,
        responder: @escaping HTTPChannelHandler.Responder
    ) {
        self.connections = connections
        self.limits = limits
        self.identity = identity
        self.uploads = uploads
        self.refuse = refuse
        self.responder = { request, writer, channel in
            try await responder(ContinuedBody.request(request, on: channel), writer, channel)
        }
    }

    /// Fails for a connection that there is no room for, which is closed.
    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        guard let connection = connections.admit(channel) else {
            logger.debug("A connection was turned away: all there may be have requests under way.")
            channel.close(promise: nil)
            return channel.eventLoop.makeFailedFuture(NoRoom())
        }
        return channel.eventLoop.makeCompletedFuture {
            let watch = ConnectionGuard(connection, connections, limits: limits)
            if let identity {
                // Each connection takes the certificate that is in use at this moment.
                try channel.pipeline.syncOperations.addHandler(TLS(context: identity.context))
            }
            try channel.pipeline.syncOperations.addHandler(watch)
            return NIOLoopBound(watch, eventLoop: channel.eventLoop)
        }.flatMap { watch in
            guard identity != nil else {
                return http1(channel, watch, logger).map {
                    Value(
                        channel: channel, negotiated: channel.eventLoop.makeSucceededFuture(.http1($0)))
                }
            }
            return channel.eventLoop.makeCompletedFuture {
                Value(channel: channel, negotiated: try negotiate(channel, watch, logger))
            }
        }
    }

    private func http1(
        _ channel: any Channel, _ watch: NIOLoopBound<ConnectionGuard>, _ logger: Logger
    ) -> EventLoopFuture<HTTP1Channel.Value> {
        HTTP1Channel(
            responder: responder,
            configuration: .init(
                additionalChannelHandlers: [requestGuard(watch, isStream: false)],
                httpDecoderConfiguration: limits.decoder)
        ).setup(channel: channel, logger: logger).flatMapThrowing { value in
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHandler(
                HTTP10Requests(),
                position: .after(pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)))
            return value
        }
    }

    private func http2(
        _ channel: any Channel, _ watch: NIOLoopBound<ConnectionGuard>, _ logger: Logger
    ) -> EventLoopFuture<HTTP2Channel.Value> {
        http2Channel([requestGuard(watch, isStream: true)]).setup(channel: channel, logger: logger)
    }

    private func http2Channel(
        _ handlers: @autoclosure @escaping @Sendable () -> [any RemovableChannelHandler]
    ) -> HTTP2Channel {
        HTTP2Channel(
            responder: responder,
            configuration: .init(
                idleTimeout: Duration(limits.idle), gracefulCloseTimeout: limits.drain,
                streamConfiguration: .init(additionalChannelHandlers: handlers())))
    }

    private func requestGuard(_ watch: NIOLoopBound<ConnectionGuard>, isStream: Bool) -> RequestGuard {
        RequestGuard(
            limits: limits, isStream: isStream, connection: watch.value, uploads: uploads, answer: refuse)
    }

    func handle(value: Value, logger: Logger) async {
        do {
            let negotiated = try await value.negotiated.get()
            await withTaskExecutorPreference(EventLoopExecutor(value.channel.eventLoop)) {
                switch negotiated {
                case .http1(let connection):
                    await HTTP1Channel(responder: responder).handle(value: connection, logger: logger)
                case .http2(let connection): await http2Channel([]).handle(value: connection, logger: logger)
                }
            }
        } catch {
            logger.debug("A connection ended before it agreed on HTTP.", metadata: ["error": "\(error)"])
        }
    }

    private func negotiate(
        _ channel: any Channel, _ watch: NIOLoopBound<ConnectionGuard>, _ logger: Logger
    ) throws -> EventLoopFuture<Negotiated> {
        let handler = NIOTypedApplicationProtocolNegotiationHandler<Negotiated> { result, channel in
            switch result {
            case .negotiated("h2"): http2(channel, watch, logger).map { .http2($0) }
            // A client without ALPN speaks HTTP/1.1; BoringSSL agrees on nothing that is not ours.
            case .negotiated, .fallback: http1(channel, watch, logger).map { .http1($0) }
            }
        }
        try channel.pipeline.syncOperations.addHandler(handler)
        return handler.protocolNegotiationResult
    }
}

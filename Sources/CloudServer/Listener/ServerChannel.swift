import Hummingbird
import HummingbirdCore
import HummingbirdHTTP2
import Logging
import NIOCore
import NIOSSL
import NIOTLS

/// How a connection becomes requests: HTTP/1.1 without TLS; with TLS what ALPN agrees on, HTTP/2 or HTTP/1.1.
struct ServerChannel: ServerChildChannel {
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

    private let limits: ListenerLimits
    private let identity: TLSIdentity?
    private let http1: HTTP1Channel
    private let http2: HTTP2Channel

    init(
        limits: ListenerLimits, identity: TLSIdentity?, refuse: @escaping RequestGuard.Answer,
        responder: @escaping HTTPChannelHandler.Responder
    ) {
        self.limits = limits
        self.identity = identity
        http1 = HTTP1Channel(
            responder: responder,
            configuration: .init(
                additionalChannelHandlers: [
                    RequestGuard(limits: limits, isStream: false, answer: refuse)
                ],
                httpDecoderConfiguration: limits.decoder))
        http2 = HTTP2Channel(
            responder: responder,
            configuration: .init(
                idleTimeout: Duration(limits.idle), gracefulCloseTimeout: limits.drain,
                streamConfiguration: .init(
                    additionalChannelHandlers: [
                        RequestGuard(limits: limits, isStream: true, answer: refuse)
                    ])))
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            if let identity {
                // Each connection takes the certificate that is in use at this moment.
                try channel.pipeline.syncOperations.addHandler(
                    NIOSSLServerHandler(context: identity.context))
            }
            try channel.pipeline.syncOperations.addHandler(ConnectionGuard(limits: limits))
        }.flatMap {
            guard identity != nil else {
                return http1.setup(channel: channel, logger: logger).map {
                    Value(
                        channel: channel, negotiated: channel.eventLoop.makeSucceededFuture(.http1($0)))
                }
            }
            return channel.eventLoop.makeCompletedFuture {
                Value(channel: channel, negotiated: try negotiate(channel, logger))
            }
        }
    }

    func handle(value: Value, logger: Logger) async {
        do {
            let negotiated = try await value.negotiated.get()
            await withTaskExecutorPreference(EventLoopExecutor(value.channel.eventLoop)) {
                switch negotiated {
                case .http1(let connection): await http1.handle(value: connection, logger: logger)
                case .http2(let connection): await http2.handle(value: connection, logger: logger)
                }
            }
        } catch {
            logger.debug("A connection ended before it agreed on HTTP.", metadata: ["error": "\(error)"])
        }
    }

    private func negotiate(_ channel: any Channel, _ logger: Logger) throws -> EventLoopFuture<Negotiated> {
        let handler = NIOTypedApplicationProtocolNegotiationHandler<Negotiated> { result, channel in
            switch result {
            case .negotiated("h2"): http2.setup(channel: channel, logger: logger).map { .http2($0) }
            // A client without ALPN speaks HTTP/1.1; BoringSSL agrees on nothing that is not ours.
            case .negotiated, .fallback: http1.setup(channel: channel, logger: logger).map { .http1($0) }
            }
        }
        try channel.pipeline.syncOperations.addHandler(handler)
        return handler.protocolNegotiationResult
    }
}

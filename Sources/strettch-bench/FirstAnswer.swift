import NIOCore
import NIOPosix

/// Waits for the first answer of a server that starts, by a new connection every millisecond.
struct FirstAnswer: Sendable {
    var port: Int

    private static let interval = Duration.milliseconds(1)
    private static let limit = Duration.seconds(60)

    func wait() async throws {
        try await Lab.poll("the server answers", limit: Self.limit, every: Self.interval) {
            try? await ask()  // nil: it does not listen yet
        }
    }

    /// Throws without a server.
    private func ask() async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let answered = loop.makePromise(of: Void.self)
        let bootstrap = ClientBootstrap(group: loop).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(Handler(answered: answered))
            }
        }
        do {
            let channel = try await LoadTarget.tcp(port).connect(bootstrap)
            defer { channel.close(promise: nil) }
            try await answered.futureResult.get()
        } catch {
            answered.fail(error)
            throw error
        }
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let answered: EventLoopPromise<Void>

        init(answered: EventLoopPromise<Void>) { self.answered = answered }

        func channelActive(context: ChannelHandlerContext) {
            let request = ByteBuffer(string: "GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            context.writeAndFlush(wrapOutboundOut(request), promise: nil)
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) { answered.succeed() }

        func channelInactive(context: ChannelHandlerContext) {
            answered.fail(Lab.failure("The server closed the connection."))
        }
    }
}

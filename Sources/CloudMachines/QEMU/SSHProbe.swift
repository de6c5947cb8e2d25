import CloudCore
import NIOCore
import NIOPosix

/// Asks whether an SSH server answers. A port that accepts proves nothing: QEMU's user-mode network accepts before
/// its guest does. Only the banner counts (RFC 4253, section 4.2).
enum SSHProbe {
    /// The longest that a probe takes, connect and banner together.
    static let limit = TimeAmount.milliseconds(500)

    static func answers(_ host: IPv4Address, port: Int) async -> Bool {
        do {
            let found = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(limit)
                .connect(host: host.description, port: port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let found = channel.eventLoop.makePromise(of: Bool.self)
                        try channel.pipeline.syncOperations.addHandler(BannerHandler(found))
                        return found.futureResult
                    }
                }
            return try await found.get()
        } catch {
            return false  // Refused, unreachable or too slow: no server answers yet, which is the usual case.
        }
    }
}

/// Reads the first bytes that a server says, fulfils its promise and closes.
private final class BannerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private static let banner = Array("SSH-".utf8)

    private let found: EventLoopPromise<Bool>
    private var received: [UInt8] = []
    private var limit: Scheduled<Void>?

    init(_ found: EventLoopPromise<Bool>) { self.found = found }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        limit = context.eventLoop.scheduleTask(in: SSHProbe.limit) { channel.close(promise: nil) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received += unwrapInboundIn(data).readableBytesView.prefix(Self.banner.count - received.count)
        if received.count == Self.banner.count { context.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func handlerRemoved(context: ChannelHandlerContext) {
        limit?.cancel()
        found.succeed(received == Self.banner)
    }
}

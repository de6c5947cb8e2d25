import CloudCore
import NIOCore
import NIOPosix

/// Asks whether an SSH server answers. A port that accepts proves nothing: QEMU's user-mode network accepts before
/// its guest does. Only the banner counts (RFC 4253, section 4.2).
enum SSHProbe {
    /// The longest that connecting takes. A guest that is just coming up never sees the attempt that is under way, so a new
    /// one is made soon; but each fourth attempt has more time, for an emulated guest on a busy host. They don't overlap: a
    /// server that has just come up would have to greet them all.
    static let connectLimits: [TimeAmount] = [25, 25, 25, 200].map { .milliseconds($0) }
    /// From the connection to the banner; an emulated guest on a busy host may need this long.
    static let bannerLimit = TimeAmount.milliseconds(500)
    /// The longest that one look begins attempts for; with the limits above it ends within a second.
    static let patience = Duration.milliseconds(300)
    /// From an attempt that failed at once to the next one.
    static let pause = Duration.milliseconds(10)

    /// Asks again and again until the server answers or the patience ends, so that an answer is noticed when it comes,
    /// and not at the caller's next look.
    static func answersSoon(_ host: IPv4Address, port: Int) async -> Bool {
        let end = ContinuousClock.now + patience
        var number = 0
        while !Task.isCancelled, ContinuousClock.now < end {
            let limit = connectLimits[number % connectLimits.count]
            if await answers(host, port: port, connectLimit: limit) { return true }
            number += 1
            try? await Task.sleep(for: pause)  // throws when cancelled, and the loop ends
        }
        return false
    }

    /// One attempt.
    static func answers(
        _ host: IPv4Address, port: Int, connectLimit: TimeAmount = .milliseconds(200)
    ) async -> Bool {
        do {
            let found = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(connectLimit)
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

    func channelActive(context: ChannelHandlerContext) {
        let channel = context.channel
        limit = context.eventLoop.scheduleTask(in: SSHProbe.bannerLimit) { channel.close(promise: nil) }
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

import CloudCore
import Foundation
import NIOCore
import NIOPosix

/// Kept HTTP/1.1 connections, each of which sends its next request when its last is answered. It does as little as it
/// can, on one thread, since it shares the processors with what it measures.
struct LoadClient: Sendable {
    var target: LoadTarget
    /// Connections, and requests under way at once.
    var clients: Int
    /// The status of every answer; any other fails the run.
    var status: Int
    /// Requests, head and body: the first, the second…
    var request: @Sendable (Int) -> ByteBuffer

    /// Beyond the end that the last answers may take.
    private static let grace = TimeAmount.seconds(30)

    struct Outcome: Sendable {
        /// All that were answered, also those that don't count.
        var answers: Int
        var perSecond: Double
        /// Milliseconds from a request to the whole of its answer.
        var times: Samples
    }

    /// Sends `count` requests. Throws when that takes longer than `limit`.
    func run(count: Int, limit: Duration) async throws -> Outcome {
        let outcome = try await run(warmUp: .zero, duration: limit, most: count)
        guard outcome.answers == count else {
            throw Lab.failure("Only \(outcome.answers) of \(count) requests were answered within \(limit).")
        }
        return outcome
    }

    /// Sends requests for as long as `warmUp` and `duration` together, and at most `most`; those answered in `duration`
    /// count.
    func run(warmUp: Duration, duration: Duration, most: Int = .max) async throws -> Outcome {
        let start = NIODeadline.now() + TimeAmount(warmUp)
        let end = start + TimeAmount(duration)
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let done = loop.makePromise(of: Outcome.self)
        let load = try await loop.submit {
            NIOLoopBound(
                Load(
                    request: request, status: status, most: most, start: start, end: end, open: clients,
                    done: done),
                eventLoop: loop)
        }.get()
        loop.scheduleTask(deadline: end + Self.grace) {
            done.fail(
                Lab.failure(
                    "Requests were not answered \(Self.grace.nanoseconds / 1_000_000_000) s after the end."))
        }
        let bootstrap = ClientBootstrap(group: loop)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(LoadConnection(load.value))
                }
            }
        for _ in 0..<clients { _ = try await target.connect(bootstrap) }
        return try await done.futureResult.get()
    }
}

/// What a load is put on.
enum LoadTarget: Sendable {
    /// A port of the loopback.
    case tcp(Int)
    case unix(String)

    func connect(_ bootstrap: ClientBootstrap) async throws -> any Channel {
        switch self {
        case .tcp(let port): try await bootstrap.connect(host: "127.0.0.1", port: port).get()
        case .unix(let path): try await bootstrap.connect(unixDomainSocketPath: path).get()
        }
    }
}

/// What all connections share, on their one event loop.
private final class Load {
    private let request: @Sendable (Int) -> ByteBuffer
    private let status: Int
    private let most: Int
    private let start: NIODeadline
    private let end: NIODeadline
    private let done: EventLoopPromise<LoadClient.Outcome>
    private var times = Samples()
    private var sent = 0
    private var answers = 0
    private var open: Int

    init(
        request: @escaping @Sendable (Int) -> ByteBuffer, status: Int, most: Int, start: NIODeadline,
        end: NIODeadline, open: Int, done: EventLoopPromise<LoadClient.Outcome>
    ) {
        (self.request, self.status, self.most) = (request, status, most)
        (self.start, self.end) = (start, end)
        (self.open, self.done) = (open, done)
    }

    /// `nil` when all is sent.
    func next(_ now: NIODeadline) -> ByteBuffer? {
        guard sent < most, now < end else { return nil }
        defer { sent += 1 }
        return request(sent)
    }

    func answered(_ answer: LoadAnswer, _ bytes: ByteBuffer, sentAt: NIODeadline, now: NIODeadline) {
        guard answer.status == status else {
            return fail(Lab.failure("Not \(status) was answered, but: \(String(buffer: bytes).prefix(1000))"))
        }
        answers += 1
        guard now >= start, now < end else { return }
        times.add(Double((now - sentAt).nanoseconds) / 1_000_000)
    }

    func closed() {
        open -= 1
        guard open == 0 else { return }
        let perSecond = Double(times.count) * 1e9 / Double((end - start).nanoseconds)
        done.succeed(LoadClient.Outcome(answers: answers, perSecond: perSecond, times: times))
    }

    func fail(_ error: any Error) { done.fail(error) }
}

/// One of the connections.
private final class LoadConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let load: Load
    private var received = ByteBuffer()
    private var sentAt = NIODeadline.now()
    private var isDone = false

    init(_ load: Load) { self.load = load }

    func channelActive(context: ChannelHandlerContext) { send(context, .now()) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var part = unwrapInboundIn(data)
        received.writeBuffer(&part)
        do {
            guard let answer = try LoadAnswer(received), received.readableBytes >= answer.length else {
                return
            }
            let now = NIODeadline.now()
            load.answered(answer, received, sentAt: sentAt, now: now)
            received.clear()
            send(context, now)
        } catch {
            errorCaught(context: context, error: error)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if !isDone { load.fail(Lab.failure("The server closed a connection.")) }
        load.closed()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        load.fail(error)
        context.close(promise: nil)
    }

    private func send(_ context: ChannelHandlerContext, _ now: NIODeadline) {
        guard let request = load.next(now) else {
            isDone = true
            return context.close(promise: nil)
        }
        sentAt = now
        context.writeAndFlush(wrapOutboundOut(request), promise: nil)
    }
}

import NIOCore
import NIOTLS

/// Ends a connection whose client takes too long: to bring a request, to read an answer, or to bring another request. While
/// a client does not read, no more is read of it. It stands behind TLS and before HTTP; each `RequestGuard` tells it of
/// its requests.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Tells a `RequestGuard`, as an inbound event, that a request is late.
    struct Late: Sendable {}

    /// Bytes that are written before it is looked at how many of them wait. Asking costs a microsecond, and most answers are
    /// smaller and read at once.
    static let unlooked = 16384
    /// Between two looks at bytes that wait.
    static let lookAgain = TimeAmount.seconds(1)

    let connection: Connection
    let connections: Connections
    private let limits: ListenerLimits
    private var clock: ConnectionClock
    private var context: ChannelHandlerContext?
    private var timer: Scheduled<Void>?
    private var timerAt = NIODeadline.distantFuture
    private var isEnding = false
    /// Bytes written since it was last looked at.
    private var written = 0
    /// Bytes that the channel had not written when it was last looked at.
    private var buffered = 0
    /// Bytes of answers that HTTP/2 streams have not sent.
    private var streamed = 0
    private var look: Scheduled<Void>?
    private var readWaits = false

    init(_ connection: Connection, _ connections: Connections, limits: ListenerLimits) {
        self.connection = connection
        self.connections = connections
        self.limits = limits
        clock = ConnectionClock(limits: limits, now: .now())
    }

    /// Whether answers wait for the client, more than one connection may have.
    var isUnread: Bool { buffered + streamed > limits.unreadPerConnection }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        startTimer()
    }

    func handlerRemoved(context: ChannelHandlerContext) { forget() }

    func channelInactive(context: ChannelHandlerContext) {
        forget()
        context.fireChannelInactive()
    }

    private func forget() {
        timer?.cancel()
        look?.cancel()
        context = nil
    }

    // MARK: Bytes

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        change { $0.heard(.now()) }
        context.fireChannelRead(data)
    }

    /// A client that does not read is not read either: what it sends makes more answers.
    func read(context: ChannelHandlerContext) {
        readWaits = !context.channel.isWritable
        if !readWaits { context.read() }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable, readWaits {
            readWaits = false
            context.read()
        }
        context.fireChannelWritabilityChanged()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        written += unwrapOutboundIn(data).readableBytes
        change { $0.spoke(.now()) }
        context.write(data, promise: promise)
    }

    func flush(context: ChannelHandlerContext) {
        context.flush()
        if written >= Self.unlooked { lookAtBuffer() }
    }

    /// Looks how many bytes wait for the client, and again later while any do.
    private func lookAtBuffer() {
        guard let context else { return }
        // Throws when the channel has closed: nothing waits then.
        let bytes = (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        let added = written
        (written, buffered) = (0, bytes)
        noteUnread(added: added)
        guard buffered > 0, look == nil else { return }
        look = context.eventLoop.assumeIsolated().scheduleTask(in: Self.lookAgain) {
            self.look = nil
            self.lookAtBuffer()
        }
    }

    private func noteUnread(added: Int) {
        change { $0.unread(buffered + streamed, added: added, .now()) }
        connections.note(unread: buffered + streamed, of: connection)
    }

    // MARK: What a RequestGuard tells

    /// An HTTP/2 stream has bytes to send that its client may keep it from sending.
    func streamWrote(_ bytes: Int) {
        streamed += bytes
        noteUnread(added: bytes)
    }

    /// They are sent, or never will be.
    func streamSent(_ bytes: Int) {
        streamed -= bytes
        noteUnread(added: 0)
    }

    func requestBegan() {
        change { $0.requestBegan(.now()) }
        connection.works()
    }

    func requestEnded() {
        let now = NIODeadline.now()
        change { $0.requestEnded(now) }
        if !clock.isServing { connection.waits(since: now) }
    }

    /// The connection's last answer is on its way.
    func refused() { end() }

    // MARK: Time

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted(let negotiated) = event {
            clock.isHTTP2 = negotiated == "h2"
            clock.secured(.now())
        }
        if isEnding, event as? ChannelEvent == .inputClosed { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    /// On HTTP/2 the framework closes a connection that is to end when its last stream's last frame is written, and not yet
    /// flushed: the frame would be lost. The flush follows within this tick of the loop.
    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard clock.isHTTP2 else { return context.close(mode: mode, promise: promise) }
        context.eventLoop.assumeIsolated().execute { context.close(mode: mode, promise: promise) }
    }

    private func end() {
        isEnding = true
        change { $0.end(.now()) }
    }

    private func change(_ body: (inout ConnectionClock) -> Void) {
        body(&clock)
        // A deadline that moved away is looked at when the timer fires; most never do.
        if clock.deadline < timerAt { startTimer() }
    }

    private func startTimer() {
        timer?.cancel()
        guard let context else { return }
        timerAt = clock.deadline
        timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: timerAt) { self.timerFired() }
    }

    private func timerFired() {
        timerAt = .distantFuture
        if buffered > 0 { lookAtBuffer() }
        switch clock.verdict(.now()) {
        case .wait: startTimer()
        case .refuse:
            end()
            context?.fireUserInboundEventTriggered(Late())
        case .close: context?.close(promise: nil)
        case .abort: connection.abort()
        }
    }
}

import NIOCore
import NIOTLS

/// Ends a connection whose client takes too long: to bring a request, to read an answer, or to bring another request.
/// It stands behind TLS and before HTTP, and learns of requests from their `RequestGuard`.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What a `RequestGuard` tells, as an outbound event.
    enum Event: Sendable {
        case began, ended
        /// The connection's last answer is on its way.
        case refused
    }

    /// Tells a `RequestGuard`, as an inbound event, that a request is late.
    struct Late: Sendable {}

    private let limits: ListenerLimits
    private var clock: ConnectionClock
    private var timer: Scheduled<Void>?
    private var timerAt = NIODeadline.distantFuture
    private var isEnding = false

    init(limits: ListenerLimits) {
        self.limits = limits
        clock = ConnectionClock(limits: limits, now: .now())
    }

    func handlerAdded(context: ChannelHandlerContext) { startTimer(context) }
    func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        change(context) { $0.heard(.now()) }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        change(context) { $0.spoke(.now()) }
        context.write(data, promise: promise)
    }

    func triggerUserOutboundEvent(
        context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?
    ) {
        guard let event = event as? Event else {
            return context.triggerUserOutboundEvent(event, promise: promise)
        }
        switch event {
        case .began: change(context) { $0.requestBegan(.now()) }
        case .ended: change(context) { $0.requestEnded(.now()) }
        case .refused: end(context)
        }
        promise?.succeed()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted(let negotiated) = event { clock.isHTTP2 = negotiated == "h2" }
        if isEnding, event as? ChannelEvent == .inputClosed { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    /// On HTTP/2 the framework closes a connection that is to end when its last stream's last frame is written, and not yet
    /// flushed: the frame would be lost. The flush follows within this tick of the loop.
    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard clock.isHTTP2 else { return context.close(mode: mode, promise: promise) }
        context.eventLoop.assumeIsolated().execute { context.close(mode: mode, promise: promise) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    private func end(_ context: ChannelHandlerContext) {
        isEnding = true
        change(context) { $0.end(.now()) }
    }

    private func change(_ context: ChannelHandlerContext, _ body: (inout ConnectionClock) -> Void) {
        body(&clock)
        // A deadline that moved away is looked at when the timer fires; most never do.
        if clock.deadline < timerAt { startTimer(context) }
    }

    private func startTimer(_ context: ChannelHandlerContext) {
        timer?.cancel()
        timerAt = clock.deadline
        timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: timerAt) {
            self.timerFired(context)
        }
    }

    private func timerFired(_ context: ChannelHandlerContext) {
        timerAt = .distantFuture
        switch clock.verdict(.now()) {
        case .wait: startTimer(context)
        case .refuse:
            end(context)
            context.fireUserInboundEventTriggered(Late())
        case .close: context.close(promise: nil)
        }
    }
}

import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// Answers what never becomes a request, and ends one that does not arrive whole in time. One stands in each HTTP/1
/// connection and in each HTTP/2 stream.
final class RequestGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// Makes the answer to a refused request.
    typealias Answer = @Sendable (Refusal) -> (head: HTTPResponse, body: ByteBuffer)

    private let limits: ListenerLimits
    private let isStream: Bool
    private let answer: Answer
    /// Requests whose answer has not been written to its end.
    private var unanswered = 0
    /// The head of a request came, and not yet its end.
    private var isArriving = false
    /// The connection ends with the answer under way.
    private var isLast = false
    private var isRefused = false
    private var timer: Scheduled<Void>?

    init(limits: ListenerLimits, isStream: Bool, answer: @escaping Answer) {
        self.limits = limits
        self.isStream = isStream
        self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isRefused else { return }
        switch unwrapInboundIn(data) {
        case .head:
            unanswered += 1
            isArriving = true
            tell(.began, context)
        case .body: break
        case .end:
            isArriving = false
            timer?.cancel()
            timer = nil
        }
        context.fireChannelRead(data)
    }

    /// Most requests came whole by now, so they have no need for a timer.
    func channelReadComplete(context: ChannelHandlerContext) {
        if isArriving, timer == nil {
            timer = context.eventLoop.assumeIsolated().scheduleTask(in: limits.request) {
                self.fail(.late(self.limits), context)
            }
        }
        context.fireChannelReadComplete()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head):
            if isLast, !isStream { head.headerFields[.connection] = "close" }
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .body: context.write(data, promise: promise)
        case .end:
            unanswered -= 1
            context.write(data, promise: promise)
            tell(.ended, context)
            if isLast, unanswered == 0 { end(context) }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case _ where isRefused: break  // all that follows what was refused
        case let error as HTTPParserError: fail(Refusal(error, limits), context)
        case is ByteToMessageDecoderError: fail(.malformed, context)
        default: context.fireErrorCaught(error)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ConnectionGuard.Late { fail(.late(limits), context) }
        // At a shutdown; the framework closes the connection behind the answer.
        if event is ChannelShouldQuiesceEvent { isLast = true }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        // An HTTP/2 stream that is reset leaves its connection open.
        for _ in 0..<unanswered { tell(.ended, context) }
        unanswered = 0
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

    /// Answers at once where nobody else does. Where a request is under way, its handler meets the error in the body, and
    /// its answer is the last; where it was answered before its body came, there is nothing more to say.
    private func fail(_ refusal: Refusal, _ context: ChannelHandlerContext) {
        timer?.cancel()
        isLast = true
        guard unanswered == 0 else { return context.fireErrorCaught(refusal) }
        guard !isArriving else { return end(context) }
        let answer = answer(refusal)
        context.write(wrapOutboundOut(.head(answer.head)), promise: nil)
        context.write(wrapOutboundOut(.body(answer.body)), promise: nil)
        context.write(wrapOutboundOut(.end(nil)), promise: nil)
        end(context)
    }

    /// Lets the client read the last answer: closing at once, with bytes of the client's unread, could take it away.
    private func end(_ context: ChannelHandlerContext) {
        isRefused = true
        context.flush()
        tell(.refused, context)
        context.close(mode: isStream ? .all : .output, promise: nil)
    }

    private func tell(_ event: ConnectionGuard.Event, _ context: ChannelHandlerContext) {
        if isStream {
            if event != .refused { context.channel.parent?.triggerUserOutboundEvent(event, promise: nil) }
        } else {
            context.triggerUserOutboundEvent(event, promise: nil)
        }
    }
}

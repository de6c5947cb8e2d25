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

    /// The body that the request has if it is handed on as it comes.
    typealias Uploads = @Sendable (HTTPRequest) -> UploadBody?

    /// Asks, as an outbound event, for the 100 that lets a waiting client send its body (RFC 9110, section 10.1.1).
    struct Continue: Sendable {}

    private let limits: ListenerLimits
    private let isStream: Bool
    private let connection: ConnectionGuard
    private let answer: Answer
    private let uploads: Uploads
    /// Requests whose answer has not been written to its end.
    private var unanswered = 0
    /// Peers whose requests are counted until they end, the oldest first.
    private var counted: [Peer] = []
    /// The head of the request that came, and not yet its end.
    private var arriving: HTTPRequest?
    private var isArriving: Bool { arriving != nil }
    /// How long the rest of that request may take, where its body is handed on as it comes.
    private var upload: UploadClock?
    /// The client of the request that arrives waits for a 100 before it sends the body.
    private var awaitsContinue = false
    /// The connection ends with the answer under way.
    private var isLast = false
    private var isRefused = false
    private var timer: Scheduled<Void>?

    init(
        limits: ListenerLimits, isStream: Bool, connection: ConnectionGuard, uploads: @escaping Uploads,
        answer: @escaping Answer
    ) {
        self.limits = limits
        self.isStream = isStream
        self.connection = connection
        self.answer = answer
        self.uploads = uploads
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isRefused else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            if let refusal = HeadRules.refusal(head, isHTTP2: isStream) ?? count(head) {
                return refuse(refusal, context)
            }
            unanswered += 1
            arriving = head
            awaitsContinue = HeadRules.expectsContinue(head)
            connection.requestBegan()
        case .body(let bytes): upload?.heard(bytes.readableBytes, context.eventLoop.now)
        case .end:
            arriving = nil
            awaitsContinue = false
            forgetArrival()
        }
        context.fireChannelRead(data)
    }

    /// Behind requests that are under way nothing can be said: their answers are the last, as behind what is no HTTP.
    private func refuse(_ refusal: Refusal, _ context: ChannelHandlerContext) {
        guard unanswered > 0 else { return fail(refusal, context) }
        isLast = true
        isRefused = true
    }

    /// Counts the request where one connection brings those of many clients, or many of one. Returns why it is refused.
    private func count(_ head: HTTPRequest) -> Refusal? {
        let sender = connection.connection
        guard isStream || sender.isProxy else { return nil }
        guard !connection.isUnread else { return .unread(limits) }
        let peer =
            sender.isProxy
            ? connection.connections.proxies.peer(of: head.headerFields, from: sender.address) : sender.peer
        if let refusal = connection.connections.requestBegan(of: peer) { return refusal }
        counted.append(peer)
        return nil
    }

    private func uncount() {
        guard !counted.isEmpty else { return }
        connection.connections.requestEnded(of: counted.removeFirst())
    }

    private func forgetArrival() {
        timer?.cancel()
        (timer, upload) = (nil, nil)
    }

    /// Most requests came whole by now, so they have no need for a timer.
    func channelReadComplete(context: ChannelHandlerContext) {
        if let arriving, timer == nil {
            // A request that was answered already gets no more time than others.
            let body = unanswered > 0 ? uploads(arriving) : nil
            upload = body.map { UploadClock($0) }
            startTimer(in: body?.stall ?? limits.request, context)
        }
        context.fireChannelReadComplete()
    }

    private func startTimer(in time: TimeAmount, _ context: ChannelHandlerContext) {
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: time) { self.timerFired(context) }
    }

    /// An upload's deadline moves with each byte, so it is looked at when an earlier one has passed.
    private func timerFired(_ context: ChannelHandlerContext) {
        guard let upload else { return fail(.late(limits), context) }
        let now = context.eventLoop.now
        let deadline = (awaitsContinue ? nil : upload.deadline) ?? now + limits.request
        guard deadline <= now else { return startTimer(in: deadline - now, context) }
        fail(.stalled, context)
    }

    /// Held back where the handler has not taken what came before, and then nothing is waited for.
    func read(context: ChannelHandlerContext) {
        upload?.asked(context.eventLoop.now)
        context.read()
    }

    // MARK: Answers

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head):
            // The client may send the body or not: what follows could be either it or the next request.
            if awaitsContinue { isLast = true }
            if isLast, !isStream { head.headerFields[.connection] = "close" }
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .body(let body):
            guard isStream else { return context.write(data, promise: promise) }
            writeInStream(body, data, promise, context)
        case .end:
            unanswered -= 1
            context.write(data, promise: promise)
            connection.requestEnded()
            if upload != nil, unanswered == 0 {
                forgetArrival()
                startTimer(in: limits.request, context)
            }
            // An HTTP/2 stream takes memory until it is closed, which is when its client has read the answer.
            if !isStream { uncount() }
            if isLast, unanswered == 0 { end(context) }
        }
    }

    /// What the client lets in only later is counted until it is sent.
    private func writeInStream(
        _ body: ByteBuffer, _ data: NIOAny, _ promise: EventLoopPromise<Void>?,
        _ context: ChannelHandlerContext
    ) {
        let bytes = body.readableBytes
        let sent = promise ?? context.eventLoop.makePromise()
        connection.streamWrote(bytes)
        sent.futureResult.assumeIsolated().whenComplete { _ in self.connection.streamSent(bytes) }
        context.write(data, promise: sent)
    }

    func triggerUserOutboundEvent(
        context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?
    ) {
        guard event is Continue else { return context.triggerUserOutboundEvent(event, promise: promise) }
        // With another request before it, the answer to that one would be taken for this one's.
        if awaitsContinue, unanswered == 1 {
            awaitsContinue = false
            upload?.allowed(context.eventLoop.now)
            context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
        }
        promise?.succeed()
    }

    // MARK: Ends

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
        for _ in 0..<unanswered { connection.requestEnded() }
        unanswered = 0
        while !counted.isEmpty { uncount() }
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        while !counted.isEmpty { uncount() }
    }

    /// Answers at once where nobody else does. Where a request is under way, its handler meets the error in the body, and
    /// its answer is the last; where it was answered before its body came, there is nothing more to say.
    private func fail(_ refusal: Refusal, _ context: ChannelHandlerContext) {
        timer?.cancel()
        isLast = true
        guard unanswered == 0 else { return context.fireErrorCaught(refusal) }
        guard !isArriving else { return end(context) }
        var answer = answer(refusal)
        // HTTP/2 has no such field, and refuses to send it (RFC 9113, section 8.2.2).
        if isStream { answer.head.headerFields[.connection] = nil }
        context.write(wrapOutboundOut(.head(answer.head)), promise: nil)
        context.write(wrapOutboundOut(.body(answer.body)), promise: nil)
        context.write(wrapOutboundOut(.end(nil)), promise: nil)
        end(context)
    }

    /// Lets the client read the last answer: closing at once, with bytes of the client's unread, could take it away.
    private func end(_ context: ChannelHandlerContext) {
        isRefused = true
        context.flush()
        if !isStream { connection.refused() }
        context.close(mode: isStream ? .all : .output, promise: nil)
    }
}

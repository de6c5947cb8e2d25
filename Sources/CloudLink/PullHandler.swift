import CloudCore
import NIOCore
import NIOTLS

/// The end of a connection's pipeline: hands on one part after another, each when it is asked for, and reads from the network
/// only for that. So a slow taker slows the sender down, and nothing piles up but what one read of the socket brings.
///
/// Also tells when both sides have accepted each other. All of it is for the channel's event loop alone.
final class PullHandler<Part: Sendable>: ChannelInboundHandler {
    typealias InboundIn = Part

    /// Completes once TLS is agreed on; fails when the connection ends before.
    let secured: EventLoopPromise<Void>
    private var parts = CircularBuffer<Part>()
    private var asked: EventLoopPromise<Part?>?
    /// How the connection ended; `nil`: it has not.
    private var end: Result<Void, any Error>?
    private var context: ChannelHandlerContext?

    init(_ eventLoop: any EventLoop) { secured = eventLoop.makePromise() }

    /// The next part; `nil` at the end of the connection. Not to be called again before it has come. Fails with what ended the
    /// connection early.
    func next(on eventLoop: any EventLoop) -> EventLoopFuture<Part?> {
        if let part = parts.popFirst() { return eventLoop.makeSucceededFuture(part) }
        if let end { return eventLoop.makeCompletedFuture(end.map { nil }) }
        let promise = eventLoop.makePromise(of: Part?.self)
        asked = promise
        context?.read()
        return promise.futureResult
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { context.read() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        finish(.success(()))
    }

    /// The handshake needs no asking.
    func channelActive(context: ChannelHandlerContext) {
        context.read()
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        if let asked {
            self.asked = nil
            asked.succeed(part)
        } else {
            parts.append(part)
        }
    }

    /// What came was no whole part.
    func channelReadComplete(context: ChannelHandlerContext) {
        if asked != nil { context.read() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted(let name) = event as? TLSUserEvent {
            if name == LinkIdentity.protocolName {
                secured.succeed(())
            } else {
                finish(.failure(LinkFault.otherProtocol))
                context.close(promise: nil)
            }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        finish(.failure(error))
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish(.success(()))
        context.fireChannelInactive()
    }

    private func finish(_ result: Result<Void, any Error>) {
        if end == nil { end = result }
        secured.fail(LinkFault.closed)
        guard let asked else { return }
        self.asked = nil
        asked.completeWith(result.map { nil })
    }
}

/// What ends a connection between two programs besides errors of the desk.
enum LinkFault: Error, Equatable {
    /// The other side closed it before it was done.
    case closed
    /// Nothing moved for as long as may be.
    case stalled
    /// It speaks something else.
    case otherProtocol
    /// It sent what has no place there.
    case malformed
}

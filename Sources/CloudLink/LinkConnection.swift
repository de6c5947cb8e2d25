import NIOCore
import NIOHTTP1
import NIOSSL

/// One connection between two programs, for one request. Every wait has a limit, after which the connection is closed.
struct LinkConnection<In: Sendable, Out: Sendable>: Sendable {
    let channel: any Channel
    private let handler: NIOLoopBound<PullHandler<In>>

    /// Puts what makes parts of bytes, and the handler that hands them on, behind what is in the pipeline. On the channel's
    /// event loop.
    init(
        _ channel: any Channel, codec: [any ChannelHandler]
    ) throws {
        self.channel = channel
        let handler = PullHandler<In>(channel.eventLoop)
        for part in codec { try channel.pipeline.syncOperations.addHandler(part) }
        try channel.pipeline.syncOperations.addHandler(handler)
        self.handler = NIOLoopBound(handler, eventLoop: channel.eventLoop)
    }

    /// Returns once both sides have accepted each other, as far as this side knows.
    func secured(within limit: TimeAmount) async throws {
        try await bounded(limit) { handler.value.secured.futureResult }
    }

    /// The next part that has come; `nil` at the end of the connection.
    func next(within limit: TimeAmount?) async throws -> In? {
        try await bounded(limit) { handler.value.next(on: channel.eventLoop) }
    }

    /// Returns once the kernel has taken all of it, so that nothing waits in this program.
    /// - Parameter first: a part that goes before it, and at once with it.
    func write(_ part: Out, after first: Out? = nil, within limit: TimeAmount) async throws {
        try await bounded(limit) {
            if let first { channel.write(first, promise: nil) }
            return channel.writeAndFlush(part)
        }
    }

    func close() { channel.close(promise: nil) }

    /// Waits for what `begin`, on the event loop, begins. After `limit`, and when the task is cancelled, the connection is
    /// closed.
    private func bounded<T: Sendable>(
        _ limit: TimeAmount?, _ begin: @escaping @Sendable () -> EventLoopFuture<T>
    ) async throws -> T {
        try await withTaskCancellationHandler {
            try await channel.eventLoop.flatSubmit { Self.bounded(limit, begin(), channel) }.get()
        } onCancel: {
            channel.close(promise: nil)
        }
    }

    private static func bounded<T: Sendable>(
        _ limit: TimeAmount?, _ future: EventLoopFuture<T>, _ channel: any Channel
    ) -> EventLoopFuture<T> {
        guard let limit else { return future }
        let promise = channel.eventLoop.makePromise(of: T.self)
        let alarm = channel.eventLoop.scheduleTask(in: limit) {
            // The first to complete a promise counts.
            promise.fail(LinkFault.stalled)
            channel.close(promise: nil)
        }
        future.whenComplete { result in
            alarm.cancel()
            promise.completeWith(result)
        }
        return promise.futureResult
    }
}

/// The side that is asked.
typealias AskedConnection = LinkConnection<HTTPServerRequestPart, HTTPServerResponsePart>
/// The side that asks.
typealias AskingConnection = LinkConnection<HTTPClientResponsePart, HTTPClientRequestPart>

extension AskedConnection {
    /// - Parameter channel: with TLS in its pipeline.
    init(_ channel: any Channel, _ limits: LinkLimits) throws {
        try self.init(
            channel,
            codec: [
                HTTPResponseEncoder(),
                ByteToMessageHandler(
                    HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: limits.decoder)),
            ])
    }
}

extension AskingConnection {
    /// - Parameter channel: with TLS in its pipeline.
    init(_ channel: any Channel, _ limits: LinkLimits) throws {
        try self.init(
            channel,
            codec: [
                HTTPRequestEncoder(),
                ByteToMessageHandler(
                    HTTPResponseDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: limits.decoder)
                ),
            ])
    }
}

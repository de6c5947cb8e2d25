import NIOCore
import NIOExtras
import NIOPosix

/// A connection to QEMU's monitor (QEMU Machine Protocol) over a unix socket.
///
/// The actor runs on its connection's event loop, so that what arrives is handled in order, without a task in between.
/// A monitor serves one connection at a time: others wait for their greeting until it ends.
public actor QMPClient {
    /// What the monitor reports of its own accord, while the connection lasts. The newest `eventLimit` are kept for
    /// a reader who falls behind.
    public nonisolated let events: AsyncStream<QMPEvent>

    /// The number of events that wait for their reader.
    public static let eventLimit = 256
    /// The longest line, in bytes, that is taken from a monitor; QEMU's own schema, its longest answer, has 200 KB.
    public static let lineLimit = 4 << 20

    private nonisolated let channel: any Channel
    /// Under the channel, which closes it.
    private let socket: CInt
    private let eventSource: AsyncStream<QMPEvent>.Continuation
    private var waiting: [Int64: CheckedContinuation<QMPValue, any Error>] = [:]
    private var lastId: Int64 = greetingId
    private var greeted = false
    /// Set once the connection has ended: the reason that later commands are given.
    private var ended: QMPError?

    private static let greetingId: Int64 = 0

    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        channel.eventLoop.executor.asUnownedSerialExecutor()
    }

    /// Connects, negotiates, lets `body` talk to the monitor and closes, whatever happens.
    ///
    /// `timeout` bounds the greeting; a connection is made at once or not. Throws `QMPError`, `CancellationError`, and what `body`
    /// throws.
    @discardableResult
    public static func withConnection<Result: Sendable>(
        to path: String, timeout: Duration = .seconds(5), _ body: (QMPClient) async throws -> Result
    ) async throws -> Result {
        let client = try await connect(to: path)
        do {
            try await client.greet(within: timeout)
            let result = try await body(client)
            await client.close()
            return result
        } catch {
            await client.close()
            throw error
        }
    }

    /// Runs a command and returns what the monitor returns for it.
    ///
    /// Throws `QMPError`, or `CancellationError` when the task is cancelled while it waits; an answer that comes
    /// after that is dropped.
    @discardableResult
    public func execute(
        _ command: String, _ arguments: [String: QMPValue] = [:], timeout: Duration = .seconds(5)
    ) async throws -> QMPValue {
        lastId += 1
        let id = lastId
        let line = try QMPRequest(execute: command, arguments: arguments, id: id).line()
        return try await answer(id, to: command, within: timeout) {
            channel.writeAndFlush(ByteBuffer(bytes: line)).whenFailure { _ in
                self.onLoop { $0.settle(id, .failure(QMPError.closed)) }
            }
        }
    }

    /// Hands an open file over, and returns by which path it is opened there. What is not opened by the end of this
    /// connection is closed there. Call it when no other command is under way. Throws `QMPError`.
    public func hand(_ file: CInt, timeout: Duration = .seconds(5)) async throws -> String {
        lastId += 1
        let id = lastId
        let line = try QMPRequest(execute: "add-fd", arguments: [:], id: id).line()
        let answer = try await answer(id, to: "add-fd", within: timeout) {
            guard channel.isActive, MonitorSocket.send(line, with: file, over: socket) else {
                return settle(id, .failure(QMPError.closed))
            }
        }
        guard let number = answer["fdset-id"]?.integer else {
            throw QMPError.malformed("no fdset-id in the answer to add-fd")
        }
        return "/dev/fdset/\(number)"
    }

    private init(channel: any Channel, socket: CInt) {
        self.channel = channel
        self.socket = socket
        (events, eventSource) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(Self.eventLimit))
    }

    private static func connect(to path: String) async throws -> QMPClient {
        let socket = try MonitorSocket.connect(to: path)
        do {
            return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .withConnectedSocket(socket) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let client = QMPClient(channel: channel, socket: socket)
                        let lines = ByteToMessageHandler(
                            LineBasedFrameDecoder(), maximumBufferSize: lineLimit)
                        try channel.pipeline.syncOperations.addHandlers([lines, QMPHandler(client)])
                        return client
                    }
                }
        } catch {
            throw QMPError.cannotConnect(path: path, reason: "\(error)")
        }
    }

    private func greet(within timeout: Duration) async throws {
        if !greeted { _ = try await answer(Self.greetingId, to: "the connect", within: timeout) {} }
        try await execute("qmp_capabilities", timeout: timeout)
    }

    /// Waits for the answer `id`, which `send` asks for once the wait is set up.
    private func answer(
        _ id: Int64, to command: String, within timeout: Duration, send: () -> Void
    ) async throws -> QMPValue {
        if let ended { throw ended }
        let limit = channel.eventLoop.scheduleTask(in: TimeAmount(timeout)) {
            self.onLoop { $0.settle(id, .failure(QMPError.timedOut(command: command))) }
        }
        defer { limit.cancel() }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                waiting[id] = continuation
                send()
            }
        } onCancel: {
            // Runs after the job that sets up the wait, since both run on the event loop.
            channel.eventLoop.execute { self.onLoop { $0.settle(id, .failure(CancellationError())) } }
        }
    }

    private func settle(_ id: Int64, _ result: Result<QMPValue, any Error>) {
        waiting.removeValue(forKey: id)?.resume(with: result)
    }

    private func close() async {
        try? await channel.close().get()  // fails only for a channel that is closed already
    }

    /// For callbacks of the event loop, which is the actor's executor.
    nonisolated func onLoop(_ body: (isolated QMPClient) -> Void) { assumeIsolated(body) }

    /// Takes in one line from the monitor. Throws `.malformed`.
    func receive(_ line: ByteBuffer) throws(QMPError) {
        switch try QMPMessage(line: line.readableBytesView) {
        case .greeting:
            greeted = true
            settle(Self.greetingId, .success(.null))
        case .event(let event): eventSource.yield(event)
        case .success(let id, let value): settle(id, .success(value))
        case .failure(let id, let error): settle(id, .failure(error))
        }
    }

    /// Ends the wait of everybody. Only the first reason counts.
    func end(_ reason: QMPError) {
        guard ended == nil else { return }
        ended = reason
        for id in Array(waiting.keys) { settle(id, .failure(reason)) }
        eventSource.finish()
    }
}

/// Hands what happens on the channel to the client.
private final class QMPHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let client: QMPClient

    init(_ client: QMPClient) { self.client = client }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let line = unwrapInboundIn(data)
        var failure: QMPError?
        client.onLoop { client in
            do throws(QMPError) { try client.receive(line) } catch { failure = error }
        }
        if let failure { stop(context, failure) }
    }

    /// Anything but a line beyond the limit is a broken connection.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let isTooLong = error is ByteToMessageDecoderError.PayloadTooLargeError
        stop(context, isTooLong ? .malformed("a line of more than \(QMPClient.lineLimit) bytes") : .closed)
    }

    func channelInactive(context: ChannelHandlerContext) {
        client.onLoop { $0.end(.closed) }
        context.fireChannelInactive()
    }

    private func stop(_ context: ChannelHandlerContext, _ reason: QMPError) {
        client.onLoop { $0.end(reason) }
        context.close(promise: nil)
    }
}

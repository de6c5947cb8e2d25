import CloudControl
import CloudCore
import CloudWire
import Hummingbird
import NIOCore
import ServiceLifecycle

/// The body of `GET /events`: server-sent events (WHATWG HTML, "Server-sent events") that go on until the client goes,
/// the key is revoked or the server ends. Each batch is read from the database only when the client has taken the one
/// before, so a slow client holds a batch and no more.
struct EventStream: Sendable {
    /// How often something is sent, so that proxies keep the connection and the server finds out who is gone.
    static let keepAlive = Duration.seconds(15)
    /// The safety net under the signal: other processes write too.
    static let pollLimit = Duration.seconds(1)
    /// What a client that has lost the connection is asked to wait before it comes back.
    static let retryMs = 2000
    static let contentType = "text/event-stream; charset=utf-8"

    let cloud: Cloud
    let follow: FollowEvents
    /// The id behind which it begins.
    let start: Int64
    var keepAlive = Self.keepAlive

    /// Writes until the end, and ends the body unless the task is cancelled, which is when the client is gone.
    func write(to writer: inout any ResponseBodyWriter) async throws {
        // Without data, so nobody is told of it; but a client that loses the connection now comes back with this id.
        try await send(ServerSentEvent(id: String(start), retryMs: Self.retryMs).text, to: &writer)
        var position = start
        var lastLook = ContinuousClock.now
        while !Task.isCancelled, !Task.isShuttingDownGracefully {
            if ContinuousClock.now - lastLook >= keepAlive {
                try await send(": keep-alive\n\n", to: &writer)
                lastLook = .now
            }
            guard let events = try await next(after: position) else { break }
            guard let last = events.last else { continue }
            try await send(try events.map(Self.text).joined(), to: &writer)
            position = last.id
        }
        try Task.checkCancellation()
        try await writer.finish(nil)
    }

    /// None when there is nothing new, or the server ends; `nil` once the key is revoked.
    private func next(after position: Int64) async throws -> [EventRecord]? {
        do {
            return try await cancelWhenGracefulShutdown {
                try await follow.next(after: position, atMost: min(Self.pollLimit, keepAlive), in: cloud)
            }
        } catch is CancellationError where Task.isShuttingDownGracefully {
            return []
        } catch let error as CloudError where error.code == .unauthorized {
            return nil
        }
    }

    private func send(_ text: String, to writer: inout any ResponseBodyWriter) async throws {
        try await writer.write(ByteBuffer(string: text))
    }

    private static func text(_ record: EventRecord) throws -> String {
        let wire = EventWire(record)
        return ServerSentEvent(id: wire.id, event: wire.kind, data: try wire.json()).text
    }
}

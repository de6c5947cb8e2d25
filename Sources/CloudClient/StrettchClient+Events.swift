import AsyncHTTPClient
import CloudWire
import Foundation
import NIOCore
import NIOHTTP1

/// What happened, and what happens.
extension StrettchClient {
    /// One page of the team's audit log, newest first.
    public func auditLog(limit: Int = 20, cursor: String? = nil) async throws -> EnvelopeWire<[EventWire]> {
        try await call(Call(.GET, "/audit-logs?limit=\(limit)" + Self.cursorPart(cursor)))
    }

    /// One page of the compute's events, newest first.
    public func computeEvents(
        id: String, limit: Int = 20, cursor: String? = nil
    ) async throws -> EnvelopeWire<[EventWire]> {
        try await call(
            Call(.GET, "/computes/\(Self.pathPart(id))/events?limit=\(limit)" + Self.cursorPart(cursor)))
    }

    /// The newest `limit` events of a list that is read by `page`, newest first.
    public static func newest(
        _ limit: Int, page: (_ limit: Int, _ cursor: String?) async throws -> EnvelopeWire<[EventWire]>
    ) async throws -> [EventWire] {
        var events: [EventWire] = []
        var cursor: String?
        for _ in 0..<maxPages {
            let envelope = try await page(min(pageSize, limit - events.count), cursor)
            events += envelope.data
            cursor = envelope.meta?.nextCursor
            if cursor == nil || events.count >= limit { break }
        }
        return Array(events.prefix(limit))
    }

    /// Hands over the team's events from the one behind `after` on, or from now on: each once and in order. A lost
    /// connection is taken up again where it was lost, after a pause, however long the server is away: it ends with the task
    /// that calls it. What the server refuses is thrown.
    /// - Parameters:
    ///   - after: the id of the last event that is known; "0" begins with the team's first.
    ///   - onLoss: called once for each time that the server can't be reached, and not again before it was.
    ///   - onEvent: returns whether to go on.
    public func follow(
        after: String?, onLoss: (ClientError) -> Void = { _ in },
        onEvent: (EventWire) async throws -> Bool
    ) async throws {
        var place = StreamPlace(id: after)
        var isLost = false
        while true {
            do {
                guard try await read(from: &place, onEvent) else { return }
                isLost = false
            } catch let error as ClientError where Self.mayPass(error) {
                if !isLost { onLoss(error) }
                isLost = true
            }
            try await options.clock.sleep(for: place.pause)
        }
    }

    /// Reads one connection to its end. False when the reader has had enough.
    private func read(
        from place: inout StreamPlace, _ onEvent: (EventWire) async throws -> Bool
    ) async throws -> Bool {
        var body = try await open(after: place.id).makeAsyncIterator()
        var parser = ServerSentEventParser()
        while let buffer = try await nextPart(&body) {
            for event in try parse(buffer, &parser) {
                if let data = event.data, try await !onEvent(try decode(data)) { return false }
                place.note(event)
            }
        }
        return true
    }

    private func open(after id: String?) async throws -> HTTPClientResponse.Body {
        var request = request(Call(.GET, "/events"))
        request.headers.replaceOrAdd(name: "Accept", value: "text/event-stream")
        if let id { request.headers.add(name: "Last-Event-ID", value: id) }
        let response = try await execute(request)
        guard response.status == .ok else { throw refusal(try await collect(response)) }
        guard response.headers.first(name: "Content-Type")?.hasPrefix("text/event-stream") == true else {
            throw ClientError.unreadable(url, status: 200, reason: "the answer is no stream of events")
        }
        return response.body
    }

    /// `nil` at the end, and when the connection is lost: the place is known, so it is the same.
    private func nextPart(_ body: inout HTTPClientResponse.Body.AsyncIterator) async throws -> ByteBuffer? {
        do {
            return try await body.next()
        } catch {
            try Task.checkCancellation()
            return nil
        }
    }

    private func parse(_ buffer: ByteBuffer, _ parser: inout ServerSentEventParser) throws
        -> [ServerSentEvent]
    {
        do {
            return try parser.parse(buffer.readableBytesView)
        } catch {
            throw ClientError.unreadable(url, status: 200, reason: "an event of the stream is too large")
        }
    }

    private func decode(_ data: String) throws -> EventWire {
        do {
            return try JSONDecoder().decode(EventWire.self, from: Data(data.utf8))
        } catch {
            throw ClientError.unreadable(
                url, status: 200, reason: "an event of the stream is not what it should be")
        }
    }
}

/// Where a stream of events has come to.
private struct StreamPlace {
    /// The last id that came; `nil`: from now on.
    var id: String?
    /// Before the next connection.
    var pause = Duration.seconds(2)

    /// The longest pause that a server is obeyed.
    static let maxPause = Duration.seconds(60)

    mutating func note(_ event: ServerSentEvent) {
        if let new = event.id { id = new }
        if let retryMs = event.retryMs { pause = min(.milliseconds(max(0, retryMs)), Self.maxPause) }
    }
}

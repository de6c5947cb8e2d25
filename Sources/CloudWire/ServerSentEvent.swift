/// One event of an event stream (WHATWG HTML, "Server-sent events").
public struct ServerSentEvent: Sendable, Equatable {
    public var id: String?
    public var event: String?
    /// May have several lines. An event without data is not dispatched, but its id and its retry count.
    public var data: String?
    /// Milliseconds to wait before connecting again.
    public var retryMs: Int?

    public init(id: String? = nil, event: String? = nil, data: String? = nil, retryMs: Int? = nil) {
        self.id = id
        self.event = event
        self.data = data
        self.retryMs = retryMs
    }

    /// As it goes over the wire, with the empty line that ends it. Id and event must be single lines.
    public var text: String {
        var text = ""
        if let retryMs { text += "retry: \(retryMs)\n" }
        if let id { text += "id: \(id)\n" }
        if let event { text += "event: \(event)\n" }
        for line in data?.split(separator: "\n", omittingEmptySubsequences: false) ?? [] {
            text += "data: \(line)\n"
        }
        return text + "\n"
    }
}

/// Reads an event stream piece by piece, in whatever pieces it comes. Comments and unknown fields are skipped.
public struct ServerSentEventParser: Sendable {
    /// An event that is larger, in bytes, is none that this API sends.
    public static let maxBytes = 1 << 20

    /// What a stream is given up for.
    public struct TooLarge: Error, Equatable {}

    private var line: [UInt8] = []
    private var event = ServerSentEvent()
    private var eventBytes = 0
    private var lastWasReturn = false

    public init() {}

    /// The events that end within `bytes`. Throws `TooLarge`.
    public mutating func parse(_ bytes: some Sequence<UInt8>) throws(TooLarge) -> [ServerSentEvent] {
        var events: [ServerSentEvent] = []
        for byte in bytes {
            // A line ends with LF, CR, or both.
            let isEnd = byte == UInt8(ascii: "\r") || (byte == UInt8(ascii: "\n") && !lastWasReturn)
            let isRest = byte == UInt8(ascii: "\n") && lastWasReturn
            lastWasReturn = byte == UInt8(ascii: "\r")
            if isEnd {
                if let event = endLine() { events.append(event) }
            } else if !isRest {
                line.append(byte)
                eventBytes += 1
                guard eventBytes <= Self.maxBytes else { throw TooLarge() }
            }
        }
        return events
    }

    private mutating func endLine() -> ServerSentEvent? {
        defer { line = [] }
        guard !line.isEmpty else {
            defer { (event, eventBytes) = (ServerSentEvent(), 0) }
            return event == ServerSentEvent() ? nil : event
        }
        let name = line.prefix { $0 != UInt8(ascii: ":") }
        var value = line.dropFirst(name.count + 1)
        if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
        take(String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self))
        if name.isEmpty { eventBytes -= line.count }  // a comment is kept by nobody
        return nil
    }

    private mutating func take(_ name: String, _ value: String) {
        switch name {
        case "id": event.id = value
        case "event": event.event = value
        case "data": event.data = event.data.map { $0 + "\n" + value } ?? value
        case "retry": event.retryMs = Int(value)
        default: break  // a comment, or a field of a later version
        }
    }
}

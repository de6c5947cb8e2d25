import CloudWire

/// Streams of events, of which OpenAPI 3.1 knows only that they are text: `x-event-data` is the schema of their data.
extension OpenAPIDocument {
    /// What is wrong with the whole part of a stream that came: each event's data by its schema, its id and kind beside
    /// it, and the order.
    func checkEventStream(_ bytes: [UInt8], _ media: JSONValue) -> [String] {
        var parser = ServerSentEventParser()
        let events: [ServerSentEvent]
        do { events = try parser.parse(bytes) } catch { return ["body: an event is too large"] }
        var problems: [String] = []
        var last: Int64 = -1
        for (index, event) in events.enumerated() {
            let place = "event \(index)"
            let id = event.id.flatMap { Int64($0) }
            if let id, id <= last { problems.append("\(place): \(id) comes after \(last)") }
            last = id ?? last
            guard let text = event.data else { continue }
            guard let data = try? JSONValue(parsing: Array(text.utf8)) else {  // reported
                problems.append("\(place): the data is no JSON")
                continue
            }
            problems += checker.problems(data, schema: media["x-event-data"] ?? .bool(false), at: place)
            if data["id"]?.string != event.id { problems.append("\(place): the data has another id") }
            if data["kind"]?.string != event.event { problems.append("\(place): the data has another kind") }
        }
        return problems
    }
}

import CloudClient
import CloudTesting
import CloudWire
import Foundation
import Testing

private func event(_ id: Int) -> EventWire {
    EventWire(
        id: String(id), kind: "compute.created", at: time,
        actor: ActorWire(type: "system", keyId: nil, keyName: nil), computeId: nil, requestId: nil,
        detail: nil)
}

private func stream(_ ids: ClosedRange<Int>, tail: String = "") throws -> FakeAnswer {
    let events = try ids.map {
        ServerSentEvent(
            id: String($0), event: "compute.created",
            data: String(decoding: try JSONEncoder().encode(event($0)), as: UTF8.self)
        ).text
    }
    return .answer(
        200, "retry: 7000\n\n" + events.joined() + tail, headers: ["Content-Type": "text/event-stream"])
}

@Suite("Following events")
struct FollowTests {
    @Test("a stream that ends is taken up behind the last event, after the pause that the server asks for")
    func resumes() async throws {
        let parts = [try stream(4...6), try stream(7...7, tail: "id: 8\ndata: {\"cut"), try stream(8...9)]
        try await FakeServer.with { _, before in
            parts[before]
        } _: { server, port in
            let clock = InstantClock()
            let got = try await StrettchClient.with(
                baseURL: "http://127.0.0.1:\(port)", key: "k", options: instantOptions(clock)
            ) { client in
                var got: [String] = []
                try await client.follow(after: "3") { event in
                    got.append(event.id)
                    return event.id != "9"
                }
                return got
            }
            #expect(got == ["4", "5", "6", "7", "8", "9"])
            #expect(server.requests.map { $0.header("Last-Event-ID") } == ["3", "6", "7"])
            #expect(server.requests.allSatisfy { $0.header("Accept") == "text/event-stream" })
            #expect(clock.now.offset == .seconds(14))
        }
    }

    @Test("a refusal ends it", arguments: [401, 403, 404])
    func refused(status: Int) async throws {
        try await FakeServer.with { _, _ in
            .answer(status, failure("ANY"))
        } _: { server, port in
            let error = await #expect(throws: ClientError.self) {
                try await StrettchClient.with(
                    baseURL: "http://127.0.0.1:\(port)", key: "k", options: instantOptions()
                ) { try await $0.follow(after: nil) { _ in true } }
            }
            #expect(error?.status == status)
            #expect(server.requests.count == 1)
            #expect(server.requests.first?.header("Last-Event-ID") == nil)
        }
    }

    @Test("a server that is away is waited for, however long, and told of once for each time that it goes")
    func away() async throws {
        let (first, second) = (try stream(1...1), try stream(2...2))
        try await FakeServer.with { _, before in
            switch before {
            case 20: first
            case 41: second
            default: before.isMultiple(of: 2) ? .answer(503, failure("SERVICE_UNAVAILABLE")) : .drop
            }
        } _: { server, port in
            let (got, losses) = try await StrettchClient.with(
                baseURL: "http://127.0.0.1:\(port)", key: "k", options: instantOptions()
            ) { client in
                var (got, losses) = ([String](), 0)
                try await client.follow(after: "0", onLoss: { _ in losses += 1 }) { event in
                    got.append(event.id)
                    return event.id != "2"
                }
                return (got, losses)
            }
            #expect(got == ["1", "2"])
            #expect(losses == 2)
            #expect(server.requests.count == 42)
        }
    }

    @Test("an answer that is no stream, or has an event that can't be read, ends it")
    func unreadable() async throws {
        let bad = FakeAnswer.answer(200, "id: 1\ndata: x\n\n", headers: ["Content-Type": "text/event-stream"])
        for answer in [FakeAnswer.answer(200, "{}"), bad] {
            try await FakeServer.with { _, _ in
                answer
            } _: { _, port in
                let error = await #expect(throws: ClientError.self) {
                    try await StrettchClient.with(
                        baseURL: "http://127.0.0.1:\(port)", key: "k", options: instantOptions()
                    ) { try await $0.follow(after: nil) { _ in true } }
                }
                #expect(error?.kind == .unreadable)
            }
        }
    }

    @Test("the newest events are had by cursors, and no more of them than asked for")
    func newest() async throws {
        try await FakeServer.with { _, before in
            let data = (1...100).map { event(1000 - before * 100 - $0) }
            let meta = MetaWire(
                total: nil, page: nil, limit: 100, nextCursor: before < 2 ? "c\(before)" : nil)
            return .answer(200, success(data, meta: meta))
        } _: { server, port in
            try await StrettchClient.with(baseURL: "http://127.0.0.1:\(port)", key: "k") { client in
                let events = try await StrettchClient.newest(150) {
                    try await client.auditLog(limit: $0, cursor: $1)
                }
                #expect(events.map(\.id) == (0..<150).map { String(999 - $0) })
                #expect(
                    server.requests.map(\.target) == [
                        "/api/v1/audit-logs?limit=100", "/api/v1/audit-logs?limit=50&cursor=c0",
                    ])
            }
        }
    }
}

@Suite("Asking the server to wait and to filter")
struct HeldLookTests {
    @Test("looks behind the first are held by the server, which is not asked sooner than the interval")
    func held() async throws {
        try await FakeServer.with { _, before in
            .answer(200, success(compute(state: before < 2 ? "CREATING" : "RUNNING")))
        } _: { server, port in
            let clock = InstantClock()
            try await StrettchClient.with(
                baseURL: "http://127.0.0.1:\(port)", key: "k", options: instantOptions(clock)
            ) { client in
                let outcome = try await client.wait(
                    id: "325", bounds: WaitBounds(timeout: .seconds(10), interval: .seconds(1)),
                    for: ["RUNNING", "FAILED"]
                ) {
                    $0?.state == "RUNNING"
                } onLook: { _, _ in
                }
                #expect(outcome == .reached(compute(state: "RUNNING")))
            }
            let held = "/api/v1/computes/325?wait=RUNNING%2CFAILED&timeout=2"
            #expect(server.requests.map(\.target) == ["/api/v1/computes/325", held, held])
            #expect(clock.now.offset == .seconds(2), "this server did not wait, so the client did")
        }
    }

    @Test("the last look is held no longer than there is time")
    func lastLook() async throws {
        try await FakeServer.with { _, _ in
            .answer(200, success(compute()))
        } _: { server, port in
            try await StrettchClient.with(
                baseURL: "http://127.0.0.1:\(port)", key: "k", options: instantOptions()
            ) { client in
                _ = try await client.wait(
                    id: "1", bounds: WaitBounds(timeout: .seconds(2), interval: .seconds(1)), for: ["RUNNING"]
                ) { _ in
                    false
                } onLook: { _, _ in
                }
            }
            #expect(
                server.requests.map(\.target) == [
                    "/api/v1/computes/1", "/api/v1/computes/1?wait=RUNNING&timeout=1", "/api/v1/computes/1",
                ])
        }
    }

    @Test("a filter goes into the query, whatever is in it, and the walk goes by cursors")
    func filter() async throws {
        try await FakeServer.with { _, before in
            let meta = MetaWire(total: nil, page: nil, limit: 100, nextCursor: before == 0 ? "abc" : nil)
            return .answer(200, success([compute(id: String(before))], meta: meta))
        } _: { server, port in
            try await StrettchClient.with(baseURL: "http://127.0.0.1:\(port)", key: "k") { client in
                let filter = ListFilter(state: "RUNNING", tags: ["a/b", "x&y"], region: "KGL-1")
                let all = try await client.allComputes(filter: filter)
                #expect(all.map(\.id) == ["0", "1"])
            }
            let query = "&state=RUNNING&region=KGL-1&tag=a%2Fb&tag=x%26y"
            #expect(
                server.requests.map(\.target) == [
                    "/api/v1/computes?page=1&limit=100\(query)",
                    "/api/v1/computes?limit=100&cursor=abc\(query)",
                ])
        }
    }
}

@Suite("The parser of event streams")
struct ServerSentEventTests {
    /// From "Server-sent events" of WHATWG HTML, in the three ways to end a line.
    @Test(
        "it reads fields, comments, lines of data and any way to end a line", arguments: ["\n", "\r\n", "\r"])
    func parsing(end: String) throws {
        let lines = [
            ": test stream", "", "data: first event", "id: 1", "", "data:second event", "id", "",
            "data:  third event", "data", "unknown: 1", "event: k", "retry: 10", "", "data: not ended",
        ]
        let text = lines.joined(separator: end)
        let expected = [
            ServerSentEvent(id: "1", data: "first event"), ServerSentEvent(id: "", data: "second event"),
            ServerSentEvent(event: "k", data: " third event\n", retryMs: 10),
        ]
        for size in [1, 2, 3, 1000] {
            var parser = ServerSentEventParser()
            var events: [ServerSentEvent] = []
            let bytes = Array(text.utf8)
            for start in stride(from: 0, to: bytes.count, by: size) {
                events += try parser.parse(bytes[start..<min(start + size, bytes.count)])
            }
            #expect(events == expected, "in pieces of \(size)")
        }
    }

    @Test("what is written is read back")
    func roundTrip() throws {
        let event = ServerSentEvent(id: "7", event: "a.b", data: "{\"x\":\n 1}", retryMs: 5)
        var parser = ServerSentEventParser()
        #expect(try parser.parse(Array(event.text.utf8)) == [event])
    }

    @Test("an event beyond the bound is given up, and any number of comments is not")
    func tooLarge() throws {
        var parser = ServerSentEventParser()
        let comment = Array((": " + String(repeating: "c", count: 1000) + "\n").utf8)
        for _ in 0..<2000 { #expect(try parser.parse(comment).isEmpty) }
        let data = Array(("data: " + String(repeating: "d", count: 1000) + "\n").utf8)
        #expect(throws: ServerSentEventParser.TooLarge.self) {
            for _ in 0..<2000 { _ = try parser.parse(data) }
        }
    }
}

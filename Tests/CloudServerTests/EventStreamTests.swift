import CloudClient
import CloudControl
import CloudCore
import CloudDatabase
import CloudWire
import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization
import Testing

@testable import CloudServer
@testable import CloudTesting

@Suite("GET /events", .timeLimit(.minutes(2)))
struct EventStreamTests {
    @Test("events come as they are committed, as the contract has them, from the moment of the request on")
    func live() async throws {
        try await TestCloud.with { cloud in
            try await cloud.append(["test.before"])
            let before = try #require(try await cloud.eventIds().last)
            try await cloud.live { server in
                let stream = try await RawStream.open(server.url, cloud.secret(.of(.member)))
                try await stream.read(until: "id: \(before)\n\n")
                _ = try await cloud.create()
                try await stream.read(until: "event: compute.created\n")
                try await cloud.settle()
                let last = #""kind":"compute.running","resource":{"id":"1","kind":"compute"}}"#
                try await stream.read(until: "\(last)\n\n")
                let created = try await cloud.eventIds()[1]
                let begin =
                    "retry: 2000\nid: \(before)\n\nid: \(created)\nevent: compute.created\ndata: {"
                #expect(stream.text.hasPrefix(begin))
                #expect(!stream.text.contains("test.before"))
                #expect(cloud.contract.check(stream.exchange) == [])
            }
        }
    }

    @Test("a client that comes back gets what it has missed, by header or parameter; the header goes first")
    func resume() async throws {
        try await TestCloud.with { cloud in
            try await cloud.append((1...250).map { "test.n\($0)" })
            let all = try await cloud.eventIds()
            let (third, last) = (all[2], all[249])
            try await cloud.append(["test.theirs"], as: .stranger)
            try await cloud.live { server in
                let key = cloud.secret(.of(.owner))
                for (query, headers) in [
                    ("?after=\(third)", [:]), ("", ["Last-Event-ID": "\(third)"]),
                    ("?after=\(last)", ["last-event-id": "\(third)"]),
                ] {
                    let stream = try await RawStream.open(server.url, key, query: query, headers: headers)
                    try await stream.read(until: "id: \(last)\n")
                    let ids = stream.text.split(separator: "\n").filter { $0.hasPrefix("id: ") }
                    #expect(ids == all[2...].map { "id: \($0)" })
                }
                let ahead = try await RawStream.open(server.url, key, query: "?after=\(last + 999_999)")
                try await ahead.read(until: "id: \(last)\n\n")
                try await cloud.append(["test.new"])
                try await ahead.read(until: "event: test.new\n")
            }
        }
    }

    @Test(
        "what is no id of an event is 400", arguments: ["after=x", "after=-1", "after=", "after=1&after=2"])
    func bad(_ query: String) async throws {
        try await TestCloud.with { cloud in
            let answer = try await cloud.send(.get, "/events?\(query)")
            #expect(answer.code == "BAD_REQUEST")
            #expect(answer.fields == ["after"])
            let header = try await cloud.send(.get, "/events", headers: ["Last-Event-ID": "1x"])
            #expect(header.fields == ["Last-Event-ID"])
            #expect(try await cloud.send(.get, "/events", as: .none).status == 401)
        }
    }

    @Test("writers append while a client comes and goes: nothing missing, nothing twice, in order")
    func reconnects() async throws {
        let writers = 4
        let each = 60
        try await TestCloud.with { cloud in
            let start = cloud.lastSetUpEventId
            try await cloud.live { server in
                async let written: Void = withThrowingTaskGroup(of: Void.self) { group in
                    for writer in 0..<writers {
                        group.addTask {
                            for number in 0..<each { try await cloud.append(["test.w\(writer).n\(number)"]) }
                        }
                    }
                    try await group.waitForAll()
                }
                var got: [EventWire] = []
                var connections = 0
                while got.count < writers * each, connections < 500 {
                    connections += 1
                    // Each connection is dropped in the midst of the stream.
                    let most = min(1 + connections % 7, writers * each - got.count)
                    got += try await follow(
                        server, cloud.secret(.of(.owner)), after: got.last?.id ?? "\(start)", most: most)
                }
                try await written
                #expect(connections > 50)
                #expect(got.map { $0.id } == (try await cloud.eventIds()).map { String($0) })
                for writer in 0..<writers {
                    let kinds = got.map(\.kind).filter { $0.hasPrefix("test.w\(writer).") }
                    #expect(kinds == (0..<each).map { "test.w\(writer).n\($0)" })
                }
            }
        }
    }

    private func follow(
        _ server: TestCloud.LiveServer, _ key: String, after: String, most: Int
    ) async throws -> [EventWire] {
        try await StrettchClient.with(baseURL: server.url, key: key) { client in
            var got: [EventWire] = []
            try await client.follow(after: after) { event in
                got.append(event)
                return got.count < most
            }
            return got
        }
    }

    @Test("a place is given back when its client goes, and there are so many for a key")
    func places() async throws {
        try await TestCloud.with { cloud in
            try await cloud.live { server in
                let key = cloud.secret(.of(.owner))
                var streams: [RawStream] = []
                for _ in 0..<EventRoutes.maxStreams.perKey {
                    streams.append(try await RawStream.open(server.url, key))
                }
                let refused = try await RawStream.open(server.url, key)
                #expect(refused.status == 429)
                try await refused.read(until: "TOO_MANY_REQUESTS")
                #expect(cloud.contract.check(refused.exchange) == [])
                #expect(try await RawStream.open(server.url, cloud.secret(.stranger)).status == 200)
                streams.removeLast()  // closes it
                try await eventually("there is a place again") {
                    try await RawStream.open(server.url, key).status == 200
                }
            }
        }
    }

    @Test("a stream that is never written, as for HEAD, holds no place")
    func head() async throws {
        try await TestCloud.with { cloud in
            for _ in 0..<(2 * EventRoutes.maxStreams.perKey) {
                let answer = try await cloud.sendRaw(.head, "/api/v1/events", cloud.createFields())
                #expect(answer.status == 200)
                #expect(answer.text.isEmpty)
            }
        }
    }

    @Test("streams end at a graceful shutdown, and hold it up no longer")
    func shutdown() async throws {
        try await TestCloud.with { cloud in
            try await cloud.live { server in
                let stream = try await RawStream.open(server.url, cloud.secret(.of(.owner)))
                try await stream.read(until: "\n\n")
                let start = ContinuousClock.now
                await server.end()
                try await stream.readToEnd()
                #expect(ContinuousClock.now - start < .seconds(10))
            }
        }
    }

    @Test("a request that waits is answered at a graceful shutdown with the compute as it is")
    func waitAtShutdown() async throws {
        try await TestCloud.with { cloud in
            _ = try await cloud.create()
            try await cloud.live { server in
                async let compute = StrettchClient.with(
                    baseURL: server.url, key: cloud.secret(.of(.owner))
                ) { try await $0.compute(id: "1", waitingFor: ["RUNNING"], seconds: 20) }
                try await eventually("it waits") { cloud.database.changes.waiting > 0 }
                await server.end()
                let state = try await compute.data.state
                #expect(state == "CREATING")
            }
        }
    }

    @Test("a stream sends a comment now and then, and ends when its key is revoked")
    func revoked() async throws {
        try await TestCloud.with { cloud in
            let key = cloud.secret(.of(.admin))
            let caller = try await Authenticate(authorization: "Bearer \(key)").run(in: cloud.cloud)
            let stream = EventStream(
                cloud: cloud.cloud, follow: FollowEvents(caller: caller), start: 0,
                keepAlive: .milliseconds(5))
            let sent = Sent()
            async let written: Void = write(stream, to: sent)
            try await eventually("a comment") { sent.text.contains(": keep-alive\n\n") }
            #expect(!sent.isFinished)
            let now = cloud.clock.nowMs
            try await cloud.database.write { sql in
                _ = try sql.keys.revoke(caller.keyId, nowMs: now)
            }
            try await written
            #expect(sent.isFinished)
        }
    }

    private func write(_ stream: EventStream, to sent: Sent) async throws {
        var writer: any ResponseBodyWriter = sent
        try await stream.write(to: &writer)
    }

    @Test("a client that takes nothing is sent nothing: one batch is read, and no more")
    func backPressure() async throws {
        try await TestCloud.with { cloud in
            try await cloud.append((1...350).map { "test.n\($0)" })
            let start = cloud.lastSetUpEventId
            let caller = try await Authenticate(authorization: "Bearer \(cloud.secret(.of(.owner)))")
                .run(in: cloud.cloud)
            let stream = EventStream(
                cloud: cloud.cloud, follow: FollowEvents(caller: caller), start: start)
            let sent = Sent(heldAfter: 2)
            let writing = Task { try await write(stream, to: sent) }
            try await eventually("it is held") { await sent.gate.arrivals.count == 1 }
            #expect(sent.text.contains("test.n100\"") && !sent.text.contains("test.n101\""))
            await sent.gate.open()
            try await eventually("the rest comes") { sent.text.contains("test.n350\"") }
            writing.cancel()
            _ = await writing.result
            #expect(!sent.isFinished, "nobody is there to be told of an end")
        }
    }
}

/// Takes what a stream writes; after some writes it holds the writer until its gate is opened.
private final class Sent: ResponseBodyWriter, Sendable {
    private struct State {
        var text = ""
        var writes = 0
        var isFinished = false
    }

    let gate = Gate()
    private let heldAfter: Int
    private let state = Mutex(State())

    init(heldAfter: Int = .max) { self.heldAfter = heldAfter }

    var text: String { state.withLock { $0.text } }
    var isFinished: Bool { state.withLock { $0.isFinished } }

    func write(_ buffer: ByteBuffer) async throws {
        let writes = state.withLock { state in
            state.text += String(buffer: buffer)
            state.writes += 1
            return state.writes
        }
        if writes >= heldAfter { await gate.pass(Int64(writes)) }
    }

    func finish(_ trailer: HTTPFields?) async throws { state.withLock { $0.isFinished = true } }
}

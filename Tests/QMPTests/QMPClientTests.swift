import Testing

@testable import QMP

@Suite("The monitor's client", .timeLimit(.minutes(1)))
struct QMPClientTests {
    @Test("a command's arguments go out and its result comes back")
    func roundTrip() async throws {
        let script =
            FakeMonitor.negotiated + [
                .expect(#""device":"disk""#),
                .send(#"{"return": {"running": true, "n": [1, 2.5, null]}, "id": 2}"# + "\n"),
                .silence,
            ]
        let value = try await FakeMonitor.play(script) { path in
            try await QMPClient.withConnection(to: path) { try await $0.execute("eject", ["device": "disk"]) }
        }
        #expect(value == ["running": true, "n": [1, .double(2.5), .null]])
    }

    @Test("a frame may come in pieces, and events in between")
    func splitFrames() async throws {
        let script =
            FakeMonitor.negotiated + [
                .expect("query-status"), .send(#"{"event": "STOP", "timestamp": {"seconds": 1, "micro"#),
                .send(#"seconds": 2}}"# + "\r\n" + #"{"return": {"status""#),
                .send(#": "paused"}, "id": 2}"# + "\r\n"),
                .send(#"{"event": "SHUTDOWN", "data": {"guest": true}}"# + "\n"), .cut,
            ]
        let (status, events) = try await FakeMonitor.play(script) { path in
            try await QMPClient.withConnection(to: path) { client in
                let status = try await client.execute("query-status")
                var events: [QMPEvent] = []
                for await event in client.events { events.append(event) }
                return (status, events)
            }
        }
        #expect(status["status"]?.string == "paused")
        #expect(
            events == [QMPEvent(name: "STOP", data: [:]), QMPEvent(name: "SHUTDOWN", data: ["guest": true])])
    }

    @Test("answers are matched by id, in whatever order they come")
    func outOfOrder() async throws {
        let script =
            FakeMonitor.negotiated + [
                .expect(#""id":3"#),
                .send(#"{"return": "third", "id": 3}"# + "\n" + #"{"return": "second", "id": 2}"# + "\n"),
                .silence,
            ]
        let values = try await FakeMonitor.play(script) { path in
            try await QMPClient.withConnection(to: path) { client in
                try await withThrowingTaskGroup(of: QMPValue.self) { group in
                    for _ in 0..<2 { group.addTask { try await client.execute("query-name") } }
                    return try await group.reduce(into: Set<String>()) { $0.insert($1.string ?? "") }
                }
            }
        }
        #expect(values == ["second", "third"])
    }

    @Test("a refusal throws the monitor's class and words")
    func refusal() async throws {
        let script =
            FakeMonitor.negotiated + [
                .expect("bogus"),
                .send(#"{"error": {"class": "CommandNotFound", "desc": "no bogus"}, "id": 2}"# + "\n"),
                .silence,
            ]
        let expected = QMPError.refused(class: "CommandNotFound", description: "no bogus")
        try await FakeMonitor.play(script) { path in
            await #expect(throws: expected) {
                try await QMPClient.withConnection(to: path) { try await $0.execute("bogus") }
            }
        }
    }

    @Test("a connection cut in the middle of an answer ends the wait, and every later command")
    func cut() async throws {
        let script = FakeMonitor.negotiated + [.expect("query-status"), .send(#"{"return": {"#), .cut]
        try await FakeMonitor.play(script) { path in
            try await QMPClient.withConnection(to: path) { client in
                await #expect(throws: QMPError.closed) { try await client.execute("query-status") }
                await #expect(throws: QMPError.closed) { try await client.execute("query-status") }
            }
        }
    }

    @Test("a command without an answer throws when its time is up, and its late answer harms nobody")
    func timeout() async throws {
        let script =
            FakeMonitor.negotiated + [
                .expect("query-name"), .expect(#""id":3"#), .send(#"{"return": "late", "id": 2}"# + "\n"),
                .send(#"{"return": "in time", "id": 3}"# + "\n"), .silence,
            ]
        let value = try await FakeMonitor.play(script) { path in
            try await QMPClient.withConnection(to: path) { client in
                await #expect(throws: QMPError.timedOut(command: "query-name")) {
                    try await client.execute("query-name", timeout: .milliseconds(20))
                }
                return try await client.execute("query-version")
            }
        }
        #expect(value == "in time")
    }

    @Test("a monitor that does not greet is given up")
    func noGreeting() async throws {
        try await FakeMonitor.play([.silence]) { path in
            await #expect(throws: QMPError.timedOut(command: "the connect")) {
                try await QMPClient.withConnection(to: path, timeout: .milliseconds(20)) { _ in }
            }
        }
    }

    @Test("a cancelled wait ends at once")
    func cancellation() async throws {
        try await FakeMonitor.play(FakeMonitor.negotiated + [.expect("query-status"), .silence]) { path in
            let task = Task {
                try await QMPClient.withConnection(to: path) { client in
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        group.addTask { try await client.execute("query-status", timeout: .seconds(50)) }
                        group.cancelAll()
                        try await group.waitForAll()
                    }
                }
            }
            await #expect(throws: CancellationError.self) { try await task.value }
        }
    }

    @Test("what is not the protocol ends the connection")
    func malformed() async throws {
        let script =
            FakeMonitor.negotiated + [.expect("query-status"), .send("SSH-2.0-OpenSSH\r\n"), .silence]
        try await FakeMonitor.play(script) { path in
            _ = await #expect(throws: QMPError.malformed("SSH-2.0-OpenSSH")) {
                try await QMPClient.withConnection(to: path) { try await $0.execute("query-status") }
            }
        }
    }

    @Test("a socket that nobody listens on is an error that names it")
    func nobody() async {
        let error = await #expect(throws: QMPError.self) {
            try await QMPClient.withConnection(to: "/tmp/strettch-nobody.sock") { _ in }
        }
        guard case .cannotConnect("/tmp/strettch-nobody.sock", _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }
}

import CloudCore
import CloudDatabase
import CloudTesting
import HTTPTypes
import Testing

@Suite("GET /computes/{id}?wait=")
struct WaitForComputeTests {
    @Test("it answers as soon as the state is there", .timeLimit(.minutes(1)))
    func reached() async throws {
        try await TestCloud.with { cloud in
            _ = try await cloud.create()
            async let answer = cloud.send(.get, "/computes/1?wait=RUNNING,FAILED&timeout=60")
            try await eventually("it waits") { cloud.database.changes.waiting > 0 }
            try await cloud.settle()
            let state = try await answer.data?["state"]?.string
            #expect(state == "RUNNING")
        }
    }

    @Test("a state that is there is answered at once")
    func already() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            let answer = try await cloud.send(.get, "/computes/\(id)?wait=STOPPED,RUNNING&timeout=60")
            #expect(answer.data?["state"]?.string == "RUNNING")
        }
    }

    @Test("a state from which none of them can come is answered at once", .timeLimit(.minutes(1)))
    func unreachable() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            _ = try await cloud.send(.delete, "/computes/\(id)")
            let answer = try await cloud.send(.get, "/computes/\(id)?wait=RUNNING,FAILED&timeout=60")
            #expect(answer.status == 200)
            #expect(answer.data?["state"]?.string == "DESTROYING")
        }
    }

    @Test("when the time is up the present state is answered")
    func timeUp() async throws {
        try await TestCloud.with { cloud in
            _ = try await cloud.create()
            let start = ContinuousClock.now
            let answer = try await cloud.send(.get, "/computes/1?wait=RUNNING&timeout=1")
            #expect(answer.status == 200)
            #expect(answer.data?["state"]?.string == "CREATING")
            #expect(ContinuousClock.now - start >= .seconds(1))
        }
    }

    @Test("a compute that ends meanwhile is 404, unless that is waited for", .timeLimit(.minutes(1)))
    func destroyed() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            _ = try await cloud.send(.delete, "/computes/\(id)")
            async let awaited = cloud.send(.get, "/computes/\(id)?wait=DESTROYED&timeout=60")
            try await eventually("it waits") { cloud.database.changes.waiting > 0 }
            try await cloud.settle()
            let state = try await awaited.data?["state"]?.string
            #expect(state == "DESTROYED")
            let again = try await cloud.send(.get, "/computes/\(id)?wait=DESTROYED")
            #expect(again.data?["state"]?.string == "DESTROYED")
            #expect(try await cloud.send(.get, "/computes/\(id)?wait=RUNNING").status == 404)
            let stranger = try await cloud.send(.get, "/computes/\(id)?wait=DESTROYED", as: .stranger)
            #expect(stranger.status == 404)
        }
    }

    @Test(
        "what can't be waited for is 400",
        arguments: [
            ("wait=UP", ["wait"]), ("wait=", ["wait"]), ("wait=RUNNING&timeout=61", ["timeout"]),
            ("timeout=0", ["timeout"]), ("wait=RUNNING&wait=FAILED", ["wait"]),
            ("wait=running&timeout=x", ["timeout", "wait"]),
        ])
    func bad(_ query: String, fields: [String]) async throws {
        try await TestCloud.with { cloud in
            _ = try await cloud.create()
            let answer = try await cloud.send(.get, "/computes/1?\(query)")
            #expect(answer.code == "BAD_REQUEST")
            #expect(answer.fields == fields)
        }
    }

    @Test("a key has so many waits at once, and others have theirs", .timeLimit(.minutes(1)))
    func bounded() async throws {
        try await TestCloud.with { cloud in
            _ = try await cloud.create()
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<17 {
                    group.addTask { try await cloud.send(.get, "/computes/1?wait=RUNNING&timeout=60").status }
                }
                #expect(try await group.next() == 429)
                let other = try await cloud.send(.get, "/computes/1?wait=CREATING", as: .of(.member))
                #expect(other.status == 200)
                try await cloud.settle()
                for try await status in group { #expect(status == 200) }
            }
            let after = try await cloud.send(.get, "/computes/1?wait=RUNNING")
            #expect(after.status == 200)
        }
    }
}

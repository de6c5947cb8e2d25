import CloudClient
import CloudTesting
import CloudWire
import Foundation
import Testing

@Suite("Sending a call again")
struct RetryTests {
    @Test("a create whose connection is dropped is sent again with the same key")
    func droppedConnection() async throws {
        try await FakeServer.with { _, before in
            before < 2 ? .drop : .answer(202, success(compute()))
        } _: { server, port in
            let key = UUID()
            let made = try await StrettchClient.with(
                baseURL: "http://127.0.0.1:\(port)", key: "k", options: instantOptions()
            ) { try await $0.createCompute(create, idempotencyKey: key) }
            #expect(made.data.id == "325")
            let expected = key.uuidString.lowercased()
            #expect(server.requests.map { $0.header("Idempotency-Key") } == [expected, expected, expected])
            #expect(Set(server.requests.map(\.body)).count == 1)
        }
    }

    @Test("503 is tried again, and no sooner than the server asks")
    func unavailable() async throws {
        try await FakeServer.with { _, before in
            before == 0
                ? .answer(503, failure("SERVICE_UNAVAILABLE"), headers: ["Retry-After": "7"])
                : .answer(200, success([compute()]))
        } _: { server, port in
            let clock = InstantClock()
            let found = try await StrettchClient.with(
                baseURL: "http://127.0.0.1:\(port)", key: "k", options: instantOptions(clock)
            ) { try await $0.computes() }
            #expect(found.data.count == 1)
            #expect(clock.now.offset == .seconds(7))
        }
    }

    @Test("429 is obeyed for longer than failures are borne, up to a bound of its own")
    func limited() async throws {
        let page = success([compute()])
        for (refusals, status) in [(9, 200), (99, 429)] {
            try await FakeServer.with { _, before in
                before < refusals
                    ? .answer(429, failure("TOO_MANY_REQUESTS"), headers: ["Retry-After": "1"])
                    : .answer(200, page)
            } _: { server, port in
                let clock = InstantClock()
                let outcome: Int
                do {
                    _ = try await StrettchClient.with(
                        baseURL: "http://127.0.0.1:\(port)", key: "k", options: instantOptions(clock)
                    ) { try await $0.computes() }
                    outcome = 200
                } catch let error as ClientError {
                    outcome = error.status ?? 0
                }
                #expect(outcome == status)
                #expect(server.requests.count == (status == 200 ? 10 : 30))
                #expect(clock.now.offset >= .seconds(server.requests.count - 1))
            }
        }
    }

    @Test("after the last attempt the last error is thrown")
    func givingUp() async throws {
        try await FakeServer.with { _, _ in
            .answer(503, failure("SERVICE_UNAVAILABLE"))
        } _: { server, port in
            let error = await #expect(throws: ClientError.self) {
                try await StrettchClient.with(
                    baseURL: "http://127.0.0.1:\(port)", key: "k", options: instantOptions()
                ) { try await $0.regions() }
            }
            #expect(error?.status == 503)
            #expect(server.requests.count == 4)
        }
    }

    @Test("what the server refuses for good is not tried again", arguments: [400, 401, 404, 422, 500])
    func refused(status: Int) async throws {
        try await FakeServer.with { _, _ in
            .answer(status, failure("ANY"))
        } _: { server, port in
            await #expect(throws: ClientError.self) {
                try await StrettchClient.with(
                    baseURL: "http://127.0.0.1:\(port)", key: "k", options: instantOptions()
                ) { try await $0.createCompute(create, idempotencyKey: UUID()) }
            }
            #expect(server.requests.count == 1)
        }
    }

    @Test("the health is asked for once")
    func health() async throws {
        try await FakeServer.with { _, _ in
            let database = ProblemWire(field: "database", message: "does not answer")
            return .answer(503, failure("SERVICE_UNAVAILABLE", errors: [database]))
        } _: { server, port in
            let error = await #expect(throws: ClientError.self) {
                try await StrettchClient.with(
                    baseURL: "http://127.0.0.1:\(port)", key: "k", options: instantOptions()
                ) { try await $0.health() }
            }
            #expect(error?.problems.first?.field == "database")
            #expect(server.requests.count == 1)
        }
    }

    @Test("delays double up to their bound, half of each at random, and obey the server up to a bound")
    func delays() {
        let policy = RetryPolicy(attempts: 4, firstDelayMs: 200, maxDelayMs: 1000, maxRetryAfterSeconds: 30)
        let longest = (1...5).map {
            policy.delay(afterAttempt: $0, retryAfterSeconds: nil, random: 1)
        }
        #expect(longest == [200, 400, 800, 1000, 1000].map { Duration.milliseconds($0) })
        #expect(policy.delay(afterAttempt: 1, retryAfterSeconds: nil, random: 0) == .milliseconds(100))
        #expect(policy.delay(afterAttempt: 1, retryAfterSeconds: 2, random: 0) == .seconds(2))
        #expect(policy.delay(afterAttempt: 1, retryAfterSeconds: 9999, random: 0) == .seconds(30))
        #expect(policy.delay(afterAttempt: 1, retryAfterSeconds: -5, random: 0) == .milliseconds(100))
    }
}

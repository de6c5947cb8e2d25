import Testing

@testable import CloudCore

@Suite("Sleeps", .timeLimit(.minutes(1)))
struct SleepersTests {
    @Test("end in the order of their times, whichever began first")
    func order() async throws {
        let sleepers = Sleepers()
        let ended = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in [3, 1, 2, 0] {
                group.addTask {
                    try await sleepers.wait(for: .milliseconds(200 + 50 * number))
                    return number
                }
            }
            return try await group.reduce(into: [Int]()) { $0.append($1) }
        }
        #expect(ended == [0, 1, 2, 3])
        #expect(sleepers.count == 0)
    }

    @Test("last as long as they shall")
    func length() async throws {
        let sleepers = Sleepers()
        for duration in [Duration.zero, .milliseconds(-5), .milliseconds(1), .milliseconds(30)] {
            let start = ContinuousClock.now
            try await sleepers.wait(for: duration)
            #expect(ContinuousClock.now - start >= duration)
        }
    }

    @Test("end at once when they are cancelled, and leave nothing behind")
    func cancelled() async throws {
        let sleepers = Sleepers()
        let tasks = (0..<100).map { _ in Task { try await sleepers.wait(for: .seconds(100_000)) } }
        while sleepers.count < 100 { await Task.yield() }
        for task in tasks { task.cancel() }
        for task in tasks {
            await #expect(throws: CancellationError.self) { try await task.value }
        }
        #expect(sleepers.count == 0)
        // The timer that was meant for them keeps nobody else from waking.
        try await sleepers.wait(for: .milliseconds(1))
    }

    @Test("do not begin in a task that is cancelled already")
    func cancelledBefore() async {
        let sleepers = Sleepers()
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await sleepers.wait(for: .seconds(100_000))
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(sleepers.count == 0)
    }

    @Test("what ends within its time limit leaves no timer behind")
    func timeout() async throws {
        for _ in 0..<1000 { try await withTimeout(.seconds(100_000), late: .bug("late")) {} }
        // Other tests sleep too, a few of them at a time.
        #expect(Sleepers.shared.count < 500)
    }
}

import CloudCore
import CloudTesting
import Dispatch
import Synchronization
import Testing

@testable import CloudDatabase

@Suite("Writes that wait together", .sqliteAlone, .timeLimit(.minutes(1)))
struct WriteQueueTests {
    @Test("one that throws is undone, and the others stand")
    func oneThrows() async throws {
        let outcome = try await together { sql, number in
            try insert(sql, number)
            if number == 3 { throw CloudError.bug("planted") }
        }
        #expect(outcome.failed == [3])
        #expect(outcome.teams == Set(0..<Self.count).subtracting([3]))
        #expect(outcome.runs == Array(repeating: 1, count: Self.count))
    }

    @Test("one that can't be committed fails alone, and the others are done again without it")
    func oneCannotBeCommitted() async throws {
        let outcome = try await together { sql, number in
            try insert(sql, number)
            guard number == 3 else { return }
            // A reference to nothing, which is only looked at when the transaction ends.
            _ = try sql.query("PRAGMA defer_foreign_keys = ON")
            try sql.execute("INSERT INTO host_images (host_id, image) VALUES (99, 'a')")
        }
        #expect(outcome.failed == [3])
        #expect(outcome.teams == Set(0..<Self.count).subtracting([3]))
        #expect(outcome.runs == Array(repeating: 2, count: Self.count), "all were in one transaction first")
    }

    @Test(
        "one that undoes the whole transaction as its last fails alone, and nobody is told of a commit that was not"
    )
    func oneUndoesAll() async throws {
        let order = Mutex<(runs: Int, last: Int?)>((0, nil))
        let outcome = try await together { sql, number in
            let isLast = order.withLock { order in
                order.runs += 1
                if order.runs == Self.count { order.last = number }
                return order.last == number
            }
            try insert(sql, number)
            guard isLast else { return }
            try sql.execute(
                "INSERT OR ROLLBACK INTO teams SELECT * FROM teams WHERE name = $1", ["\(number)"])
        }
        let last = try #require(order.withLock { $0.last })
        #expect(outcome.failed == [last])
        #expect(outcome.teams == Set(0..<Self.count).subtracting([last]))
    }

    @Test("more than are committed together are all done")
    func many() async throws {
        let count = WriteQueue.mostTogether * 3 + 1
        try await withTemporaryFolder { folder in
            let database = try SQLiteDatabase(path: "\(folder)/db")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<count {
                    group.addTask { try await database.write { sql in try insert(sql, number) } }
                }
                try await group.waitForAll()
            }
            let teams = try await database.read { sql in try sql.teams.count() }
            #expect(teams == count)
        }
    }

    private static let count = 6

    private struct Outcome {
        /// The writes that threw.
        var failed: Set<Int>
        /// The writes whose team is there.
        var teams: Set<Int>
        /// How often each was run.
        var runs: [Int]
    }

    /// Lets `count` writes wait behind one that does not end before all of them are there.
    private func together(
        _ body: @escaping @Sendable (any SQLConnection, Int) throws -> Void
    ) async throws -> Outcome {
        let runs = Runs(count: Self.count)
        let gate = ThreadGate()
        return try await withTemporaryFolder { folder in
            let database = try SQLiteDatabase(path: "\(folder)/db")
            let failed = try await withThrowingTaskGroup(of: Int?.self) { group in
                group.addTask {
                    try await database.write { _ in gate.pass() }
                    return nil
                }
                try await eventually("the first write runs") { gate.isReached }
                for number in 0..<Self.count {
                    group.addTask {
                        do {
                            try await database.write { sql in
                                runs.count(number)
                                try body(sql, number)
                            }
                            return nil
                        } catch is CloudError {
                            return number
                        }
                    }
                }
                try await eventually("all wait") { database.waitingWrites == Self.count }
                gate.open()
                return try await group.reduce(into: Set<Int>()) { if let number = $1 { $0.insert(number) } }
            }
            let names = try await database.read { sql in
                try sql.query("SELECT name FROM teams").map { try $0.text("name") }
            }
            return Outcome(failed: failed, teams: Set(names.compactMap { Int($0) }), runs: runs.all)
        }
    }
}

/// A team of its own for each number.
private func insert(_ sql: any SQLConnection, _ number: Int) throws {
    let network = try #require(IPv4Network("10.0.0.0/8")?.subnet(UInt64(number), prefix: 22))
    _ = try sql.teams.insert(name: "\(number)", network: network, nowMs: 1)
}

private final class Runs: Sendable {
    private let counts: Mutex<[Int]>

    init(count: Int) { counts = Mutex(Array(repeating: 0, count: count)) }

    func count(_ number: Int) { counts.withLock { $0[number] += 1 } }

    var all: [Int] { counts.withLock { $0 } }
}

/// Holds the thread that comes until it is opened.
private final class ThreadGate: Sendable {
    private let reached = Mutex(false)
    private let semaphore = DispatchSemaphore(value: 0)

    /// The longest that a thread is held, should the test have failed meanwhile.
    private static let limit = DispatchTimeInterval.seconds(40)

    func pass() {
        reached.withLock { $0 = true }
        _ = semaphore.wait(timeout: .now() + Self.limit)
    }

    func open() { semaphore.signal() }

    var isReached: Bool { reached.withLock { $0 } }
}

import CloudCore
import Dispatch
import Foundation
import Synchronization

/// A bounded number of connections, each on a thread of its own, which makes it when it is first needed and again when it
/// was lost. Whoever asks waits in one queue, not longer than `PostgresSettings.waitLimit`.
final class PostgresPool: Sendable {
    private let queue = PostgresQueue()
    private let settings: PostgresSettings

    init(_ settings: PostgresSettings) {
        self.settings = settings
        let (queue, reach) = (queue, PostgresReach())
        for number in 1...settings.connections {
            let thread = Thread { Self.work(queue, reach, settings) }
            thread.name = "postgres \(number)"
            thread.start()
        }
    }

    deinit { queue.end() }

    /// Those who wait for a connection.
    var waiting: Int { queue.count }

    /// Lets the threads end. Who waits, and whoever asks from now on, is told that the database is away.
    func end() { queue.end() }

    /// Runs `body` on a connection. Throws what `body` throws, and `SERVICE_UNAVAILABLE` when there is none, or none free
    /// in time; `body` has not run then.
    func run<T: Sendable>(_ body: @escaping @Sendable (PostgresClient) throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            queue.append(
                PostgresQueue.Work(
                    run: { client in continuation.resume(with: Result { try body(client) }) },
                    refuse: { continuation.resume(throwing: $0) }))
        }
    }

    private static func work(_ queue: PostgresQueue, _ reach: PostgresReach, _ settings: PostgresSettings) {
        var client: PostgresClient?
        while let work = queue.next() {
            if client?.isLost == true { client = nil }
            do {
                let present = try client ?? reach.connect(settings)
                client = present
                work.run(present)
            } catch {
                work.refuse(error)
            }
        }
    }
}

/// Work that waits for a connection, in order.
private final class PostgresQueue: Sendable {
    /// One of both is called, once.
    struct Work: Sendable {
        var run: @Sendable (PostgresClient) -> Void
        var refuse: @Sendable (any Error) -> Void
        var deadline = ContinuousClock.now + PostgresSettings.waitLimit
    }

    private struct State {
        var waiting: [Work] = []
        var isEnded = false
        /// Whether somebody will look for those who have waited too long.
        var isWatched = false
    }

    private let state = Mutex(State())
    /// Counts what waits, and the ends of threads.
    private let ready = DispatchSemaphore(value: 0)

    var count: Int { state.withLock { $0.waiting.count } }

    func append(_ work: Work) {
        let (isTaken, watches) = state.withLock { state in
            guard !state.isEnded, state.waiting.count < PostgresSettings.mostWaiting else {
                return (false, false)
            }
            state.waiting.append(work)
            defer { state.isWatched = true }
            return (true, !state.isWatched)
        }
        guard isTaken else { return work.refuse(Self.busy) }
        ready.signal()
        if watches { watch() }
    }

    /// The next work, when there is any; `nil` at the end.
    func next() -> Work? {
        // As often as there is work that was refused meanwhile.
        while true {
            ready.wait()
            let (work, isEnded) = state.withLock { state in
                (state.waiting.isEmpty ? nil : state.waiting.removeFirst(), state.isEnded)
            }
            if let work { return work }
            if isEnded {
                ready.signal()  // for the next thread
                return nil
            }
        }
    }

    func end() {
        let left = state.withLock { state in
            state.isEnded = true
            defer { state.waiting = [] }
            return state.waiting
        }
        ready.signal()
        for work in left { work.refuse(CloudError.databaseAway("it was closed")) }
    }

    /// Refuses those who have waited too long, now and then, for as long as anybody waits.
    private func watch() {
        DispatchQueue.global().asyncAfter(deadline: .now() + Self.watchPause) { [weak self] in
            self?.refuseLate()
        }
    }

    private static let watchPause = DispatchTimeInterval.milliseconds(250)

    private func refuseLate() {
        let (late, goesOn) = state.withLock { state in
            let late = state.waiting.prefix { $0.deadline <= .now }
            state.waiting.removeFirst(late.count)
            state.isWatched = !state.waiting.isEmpty
            return (Array(late), state.isWatched)
        }
        for work in late { work.refuse(Self.busy) }
        if goesOn { watch() }
    }

    private static let busy = CloudError(
        .serviceUnavailable, "The database is busy. Try again. Nothing was done.",
        detail: "no connection was free")
}

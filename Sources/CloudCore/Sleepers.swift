import Dispatch
import Synchronization

/// Sleeps that leave nothing behind when they are cancelled. `Task.sleep` keeps its timer and a task, some half a kilobyte,
/// until the time at which it would have ended: a server that bounds each of thousands of steps by a minute, which hardly any
/// of them takes, would hold a hundred megabytes of that.
final class Sleepers: Sendable {
    static let shared = Sleepers()

    private struct Sleeper {
        var end: ContinuousClock.Instant
        var continuation: CheckedContinuation<Void, any Error>
    }

    /// All are looked at whenever one is due: there are as many as steps under way and requests that wait, some hundreds.
    private struct State {
        var lastId: UInt64 = 0
        var sleepers: [UInt64: Sleeper] = [:]
        /// When the timer fires next; `nil`: never.
        var firesAt: ContinuousClock.Instant?
    }

    private let state = Mutex(State())
    /// Safe: a dispatch source may be scheduled by any thread.
    nonisolated(unsafe) private let timer: any DispatchSourceTimer

    /// Dispatch counts nanoseconds in 64 bits; who sleeps longer is looked at once in so long.
    private static let longest = Duration.seconds(86400)

    init() {
        timer = DispatchSource.makeTimerSource()
        timer.setEventHandler { [weak self] in self?.wakeDue() }
        timer.activate()
    }

    /// How many sleep now.
    var count: Int { state.withLock { $0.sleepers.count } }

    /// Returns after so long. Throws `CancellationError`, at once, when the task is cancelled.
    func wait(for duration: Duration) async throws {
        let end = ContinuousClock.now + duration
        let id = state.withLock { state in
            state.lastId += 1
            return state.lastId
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let isCancelled = state.withLock { state in
                    // Asked under the lock: a cancellation that comes later finds the sleeper.
                    guard !Task.isCancelled else { return true }
                    state.sleepers[id] = Sleeper(end: end, continuation: continuation)
                    schedule(end, &state)
                    return false
                }
                if isCancelled { continuation.resume(throwing: CancellationError()) }
            }
        } onCancel: {
            let sleeper = state.withLock { $0.sleepers.removeValue(forKey: id) }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }

    /// Sees to it that the timer fires by then.
    private func schedule(_ end: ContinuousClock.Instant, _ state: inout State) {
        if let firesAt = state.firesAt, firesAt <= end { return }
        state.firesAt = end
        let left = min(max(.zero, end - .now), Self.longest)
        timer.schedule(deadline: .now() + .nanoseconds(Int(left / .nanoseconds(1))))
    }

    private func wakeDue() {
        let due = state.withLock { state in
            let now = ContinuousClock.now
            let due = state.sleepers.filter { $0.value.end <= now }
            for id in due.keys { state.sleepers[id] = nil }
            state.firesAt = nil
            if let next = state.sleepers.values.map(\.end).min() { schedule(next, &state) }
            return due.values.sorted { $0.end < $1.end }
        }
        for sleeper in due { sleeper.continuation.resume() }
    }
}

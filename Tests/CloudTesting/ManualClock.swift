import CloudCore
import Synchronization

/// A clock that stands still until a test moves it. Who sleeps by it wakes when the hands have passed his hour.
public final class ManualClock: CloudClock {
    private struct State {
        var nowMs: Int64
        var lastSleeper = 0
        var sleepers: [Int: Sleeper] = [:]
    }

    private struct Sleeper {
        var untilMs: Int64
        var continuation: CheckedContinuation<Void, Never>
    }

    private let state: Mutex<State>

    public init(nowMs: Int64 = 1_705_312_800_000) { state = Mutex(State(nowMs: nowMs)) }

    public var nowMs: Int64 { state.withLock { $0.nowMs } }

    /// How many sleep now.
    public var sleeping: Int { state.withLock { $0.sleepers.count } }

    public func advance(milliseconds: Int64) {
        let woken = state.withLock { state -> [Sleeper] in
            state.nowMs += milliseconds
            let now = state.nowMs
            let due = state.sleepers.filter { $0.value.untilMs <= now }
            for id in due.keys { state.sleepers[id] = nil }
            return Array(due.values)
        }
        for sleeper in woken { sleeper.continuation.resume() }
    }

    public func sleep(for duration: Duration) async throws {
        let id = state.withLock { state in
            state.lastSleeper += 1
            return state.lastSleeper
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    // Asked under the lock: a cancellation that comes later finds the sleeper.
                    guard !Task.isCancelled else { return true }
                    let untilMs = state.nowMs + Int64(duration / .milliseconds(1))
                    state.sleepers[id] = Sleeper(untilMs: untilMs, continuation: continuation)
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.sleepers.removeValue(forKey: id) }?.continuation.resume()
        }
        try Task.checkCancellation()
    }
}

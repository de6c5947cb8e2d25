import CloudCore
import Synchronization

/// Simulated time. It passes only when nothing is left to run; whoever sleeps longest is then woken, sometimes late, as
/// on a busy machine.
final class SimulatedClock: CloudClock {
    private struct Sleeper {
        var untilMs: Int64
        var id: Int
        var continuation: UnsafeContinuation<Void, Never>
    }

    private struct State {
        /// Since the beginning of the history. Sleepers go by it.
        var elapsedMs: Int64 = 0
        /// What the hands were moved by besides.
        var jumpMs: Int64 = 0
        var lastSleeper = 0
        var sleepers: [Sleeper] = []
        var random: SeededRandom
        var maxLateMs: Int64
    }

    /// 2024-01-15 10:00 UTC.
    static let startMs: Int64 = 1_705_312_800_000

    private let state: Mutex<State>

    /// - Parameter maxLateMs: how late a sleeper may be woken.
    init(seed: UInt64, maxLateMs: Int64) {
        state = Mutex(State(random: SeededRandom(seed: seed ^ 0xC10C), maxLateMs: maxLateMs))
    }

    var nowMs: Int64 { state.withLock { Self.startMs + $0.elapsedMs + $0.jumpMs } }

    /// Milliseconds since the beginning of the history, whatever the hands say.
    var elapsedMs: Int64 { state.withLock { $0.elapsedMs } }

    /// Moves the hands, as an operator or a time server does.
    func jump(_ milliseconds: Int64) { state.withLock { $0.jumpMs += milliseconds } }

    func setMaxLate(_ milliseconds: Int64) { state.withLock { $0.maxLateMs = milliseconds } }

    func sleep(for duration: Duration) async throws {
        let id = newSleeper()
        await withTaskCancellationHandler {
            await sleep(id, milliseconds: Int64(duration / .milliseconds(1)), heedsCancellation: true)
        } onCancel: {
            wake(id)
        }
        try Task.checkCancellation()
    }

    /// The same for what does not heed a cancellation, such as a system call that hangs.
    func sit(milliseconds: Int64) async {
        await sleep(newSleeper(), milliseconds: milliseconds, heedsCancellation: false)
    }

    /// Moves the time on to the next sleeper and wakes him and all who are due by then; false when nobody sleeps.
    func pass() -> Bool {
        let woken = state.withLock { state -> [Sleeper] in
            guard let next = state.sleepers.map(\.untilMs).min() else { return [] }
            let lateMs = Int64(state.random.below(Int(state.maxLateMs) + 1))
            state.elapsedMs = max(state.elapsedMs, next) + lateMs
            let now = state.elapsedMs
            let due = state.sleepers.filter { $0.untilMs <= now }
            state.sleepers.removeAll { $0.untilMs <= now }
            return due.sorted { ($0.untilMs, $0.id) < ($1.untilMs, $1.id) }
        }
        for sleeper in woken { sleeper.continuation.resume() }
        return !woken.isEmpty
    }

    private func newSleeper() -> Int {
        state.withLock { state in
            state.lastSleeper += 1
            return state.lastSleeper
        }
    }

    private func sleep(_ id: Int, milliseconds: Int64, heedsCancellation: Bool) async {
        await withUnsafeContinuation { continuation in
            let isOver = state.withLock { state in
                // Asked under the lock: a cancellation that comes later finds the sleeper.
                if heedsCancellation, Task.isCancelled { return true }
                let untilMs = state.elapsedMs + max(1, milliseconds)
                state.sleepers.append(Sleeper(untilMs: untilMs, id: id, continuation: continuation))
                return false
            }
            if isOver { continuation.resume() }
        }
    }

    private func wake(_ id: Int) {
        let sleeper = state.withLock { state -> Sleeper? in
            guard let index = state.sleepers.firstIndex(where: { $0.id == id }) else { return nil }
            return state.sleepers.remove(at: index)
        }
        sleeper?.continuation.resume()
    }
}

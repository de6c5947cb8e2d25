import CloudCore
import Synchronization

/// A signal without data: somebody may have work for the worker. Signals that nobody waits for yet are kept as one.
public final class Wake: Sendable {
    private struct State {
        var signalled = false
        /// The present wait has ended; who comes too late to it does not wait.
        var isOver = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    public init() {}

    public func signal() {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            defer { state.waiter = nil }
            if state.waiter == nil { state.signalled = true }
            return state.waiter
        }
        waiter?.resume()
    }

    /// Returns at the next signal, after `limit` by the clock, or when the task is cancelled. One waiter at a time.
    func wait(atMost limit: Duration, by clock: any CloudClock = SystemClock()) async {
        state.withLock { $0.isOver = false }
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                try? await clock.sleep(for: limit)  // throws when cancelled: as good as over
                self.endWait()
            }
            group.addTask { await self.waitForSignal() }
            _ = await group.next()
            group.cancelAll()
        }
    }

    private func waitForSignal() async {
        await withCheckedContinuation { continuation in
            let isDue = state.withLock { state -> Bool in
                defer { state.signalled = false }
                let isDue = state.signalled || state.isOver
                if !isDue { state.waiter = continuation }
                return isDue
            }
            if isDue { continuation.resume() }
        }
    }

    /// Ends the present wait without a signal: one left behind would end the next wait too, and that the one after it.
    private func endWait() {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            defer { state.waiter = nil }
            state.isOver = true
            return state.waiter
        }
        waiter?.resume()
    }
}

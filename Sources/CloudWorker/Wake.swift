import Synchronization

/// A signal without data: somebody may have work for the worker. Signals that nobody waits for yet are kept as one.
public final class Wake: Sendable {
    private struct State {
        var signalled = false
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

    /// Returns at the next signal, after `limit`, or when the task is cancelled. One waiter at a time.
    func wait(atMost limit: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                try? await Task.sleep(for: limit)  // throws when cancelled, which is as good as the time being up
                self.signal()
            }
            group.addTask { await self.waitForSignal() }
            _ = await group.next()
            group.cancelAll()
        }
    }

    private func waitForSignal() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let due = state.withLock { state -> Bool in
                    defer { state.signalled = false }
                    if !state.signalled { state.waiter = continuation }
                    return state.signalled
                }
                if due { continuation.resume() }
            }
        } onCancel: {
            signal()
        }
    }
}

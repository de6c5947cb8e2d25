import CloudCore
import Synchronization

/// Tells everybody who waits that events or states of computes were committed. Carries no data: the database is the
/// truth, and whoever is woken looks there.
public final class Changes: Sendable {
    private struct State {
        var count: UInt64 = 0
        var lastWaiter: UInt64 = 0
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
    }

    private let state = Mutex(State())

    public init() {}

    /// How often it was signalled. Ask before a look at the database, and wait by it afterwards: what is committed
    /// during the look then ends the wait.
    public var count: UInt64 { state.withLock { $0.count } }

    /// Ends every wait under way.
    public func signal() {
        let waiters = state.withLock { state in
            state.count += 1
            defer { state.waiters = [:] }
            return state.waiters.values
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns when it was signalled more than `seen` times, after `limit`, or when the task is cancelled. Any number
    /// may wait at once; each caller bounds its own.
    public func wait(after seen: UInt64, atMost limit: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                try? await SystemClock().sleep(for: limit)  // throws when cancelled: as good as over
            }
            group.addTask { await self.waitForSignal(after: seen) }
            _ = await group.next()
            group.cancelAll()
        }
    }

    /// How many wait now, for tests and metrics.
    public var waiting: Int { state.withLock { $0.waiters.count } }

    private func waitForSignal(after seen: UInt64) async {
        let id = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    // Asked under the lock: a cancellation that comes later finds the waiter.
                    let isOver = state.count != seen || Task.isCancelled
                    if !isOver { state.waiters[id] = continuation }
                    return isOver
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
        }
    }
}

extension Changes {
    /// Whether the statement appends an event, or changes a compute's state or a move's phase, by how it begins.
    static func areMade(by sql: String) -> Bool {
        ["INSERT INTO events", "UPDATE computes SET state", "UPDATE moves SET phase"]
            .contains(where: sql.hasPrefix)
    }
}

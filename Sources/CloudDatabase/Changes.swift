import CloudCore
import Synchronization

/// Tells who waits that something was committed that can be seen. Carries no more than whose it is: the database is the
/// truth, and whoever is woken looks there.
public final class Changes: Sendable {
    private struct State {
        var count: UInt64 = 0
        /// The count at the last signal for each team that had one, and for all of them.
        var lastOf: [Int64: UInt64] = [:]
        var lastOfAll: UInt64 = 0
        var lastWaiter: UInt64 = 0
        var waiters: [UInt64: (team: Int64?, continuation: CheckedContinuation<Void, Never>)] = [:]

        /// Whether there was a signal for the team after `seen`.
        func hasChanged(_ team: Int64?, after seen: UInt64) -> Bool {
            guard let team else { return count > seen }
            return lastOfAll > seen || lastOf[team, default: 0] > seen
        }
    }

    private let state = Mutex(State())

    public init() {}

    /// How often it was signalled. Ask before a look at the database, and wait by it afterwards: what is committed
    /// during the look then ends the wait.
    public var count: UInt64 { state.withLock { $0.count } }

    /// Ends every wait under way for one of these teams, or for any.
    /// - Parameter teams: `nil`: all, since it is not known whose changed.
    public func signal(_ teams: Set<Int64>? = nil) {
        let ended = state.withLock { state in
            state.count += 1
            if let teams {
                for team in teams { state.lastOf[team] = state.count }
            } else {
                state.lastOfAll = state.count
            }
            let ended = state.waiters.filter { _, waiter in
                waiter.team.map { teams?.contains($0) ?? true } ?? true
            }
            for id in ended.keys { state.waiters[id] = nil }
            return ended.values.map(\.continuation)
        }
        for continuation in ended { continuation.resume() }
    }

    /// Returns when it was signalled for the team more than `seen` times, after `limit`, or when the task is cancelled. Any
    /// number may wait at once; each caller bounds its own.
    /// - Parameter team: `nil`: any.
    public func wait(for team: Int64? = nil, after seen: UInt64, atMost limit: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                try? await SystemClock().sleep(for: limit)  // throws when cancelled: as good as over
            }
            group.addTask { await self.waitForSignal(team, after: seen) }
            _ = await group.next()
            group.cancelAll()
        }
    }

    /// How many wait now, for tests and metrics.
    public var waiting: Int { state.withLock { $0.waiters.count } }

    private func waitForSignal(_ team: Int64?, after seen: UInt64) async {
        let id = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    // Asked under the lock: a cancellation that comes later finds the waiter.
                    let isOver = state.hasChanged(team, after: seen) || Task.isCancelled
                    if !isOver { state.waiters[id] = (team, continuation) }
                    return isOver
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.continuation.resume()
        }
    }
}

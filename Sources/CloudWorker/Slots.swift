import Synchronization

/// Counts the jobs under way, and wakes the worker when one is left.
final class Slots: Sendable {
    private let taken = Mutex(0)
    private let count: Int
    private let wake: Wake

    init(count: Int, wake: Wake) {
        self.count = count
        self.wake = wake
    }

    var free: Int { count - taken.withLock { $0 } }

    func take() { taken.withLock { $0 += 1 } }

    /// Called when a job was left: it may be due again sooner than anything the worker now waits for.
    func give() {
        taken.withLock { $0 -= 1 }
        wake.signal()
    }
}

import Synchronization

/// Counts the jobs under way, and wakes the worker when there is room again.
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

    func give() {
        let wasFull = taken.withLock { taken in
            defer { taken -= 1 }
            return taken == count
        }
        if wasFull { wake.signal() }
    }
}

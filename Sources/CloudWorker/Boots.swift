import Synchronization

/// Counts the boots that are under way and not yet in the database.
final class Boots: Sendable {
    private let count = Mutex(0)

    /// Counts one more, and returns how many others there are.
    func begin() -> Int {
        count.withLock { count in
            defer { count += 1 }
            return count
        }
    }

    func end() { count.withLock { $0 -= 1 } }
}

import Synchronization

/// The jobs that this worker has left with their leases, since what came of them could not be saved.
final class UnsavedJobs: Sendable {
    /// By the resources' ids.
    private let ids = Mutex<Set<Int64>>([])

    var all: Set<Int64> { ids.withLock { $0 } }

    func insert(_ id: Int64) { ids.withLock { _ = $0.insert(id) } }

    func remove(_ gone: Set<Int64>) { ids.withLock { $0.subtract(gone) } }
}

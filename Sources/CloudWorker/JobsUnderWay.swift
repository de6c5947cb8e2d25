import Synchronization

/// The jobs that this worker works on now, so that it never works on one twice at a time; it wakes the worker when one
/// is left.
final class JobsUnderWay: Sendable {
    /// The most at once.
    private let limit: Int
    private let wake: Wake
    /// By the compute's id: whether the job was leased again meanwhile.
    private let jobs = Mutex<[Int64: Bool]>([:])

    init(limit: Int, wake: Wake) {
        self.limit = limit
        self.wake = wake
    }

    var free: Int { limit - jobs.withLock { $0.count } }

    /// Whether work on the job, which has just been leased, is to start. It is not when a step of it is still under
    /// way, one that has outlived its lease or has given it back this moment; `end` then asks for another round.
    func begin(_ id: Int64) -> Bool {
        jobs.withLock { jobs in
            guard jobs[id] == nil else {
                jobs[id] = true
                return false
            }
            jobs[id] = false
            return true
        }
    }

    /// Whether the work has ended; false when the job was leased again meanwhile and must be worked on once more.
    func end(_ id: Int64) -> Bool {
        let ended = jobs.withLock { jobs in
            let ended = jobs[id] != true
            jobs[id] = ended ? nil : false
            return ended
        }
        // It may be due again sooner than anything the worker now waits for.
        if ended { wake.signal() }
        return ended
    }
}

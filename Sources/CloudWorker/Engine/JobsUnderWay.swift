import CloudDatabase
import Synchronization

/// The jobs that this worker works on now, so that it never works on one machine twice at a time; it wakes the worker
/// when one is left.
final class JobsUnderWay: Sendable {
    /// The most at once.
    private let limit: Int
    private let wake: Wake
    /// By the machine's id: the jobs that were leased while another of its jobs is under way.
    private let machines = Mutex<[Int64: [LeasedJob]]>([:])

    init(limit: Int, wake: Wake) {
        self.limit = limit
        self.wake = wake
    }

    var free: Int { limit - machines.withLock { $0.count } }

    /// Whether work on the job, which has just been leased, is to start. It is not when a step is still under way on its
    /// machine, one that has outlived its lease or has given it back this moment; `end` then asks for it.
    func begin(_ job: LeasedJob) -> Bool {
        machines.withLock { machines in
            guard let waiting = machines[job.machineId] else {
                machines[job.machineId] = []
                return true
            }
            if !waiting.contains(job) { machines[job.machineId] = waiting + [job] }
            return false
        }
    }

    /// The work on the job has ended. Returns the one that is to be worked on next, which was leased meanwhile.
    func end(_ job: LeasedJob) -> LeasedJob? {
        let next = machines.withLock { machines -> LeasedJob? in
            guard let next = machines[job.machineId]?.first else {
                machines[job.machineId] = nil
                return nil
            }
            machines[job.machineId]?.removeFirst()
            return next
        }
        // It may be due again sooner than anything the worker now waits for.
        if next == nil { wake.signal() }
        return next
    }
}

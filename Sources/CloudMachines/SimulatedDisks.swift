import Synchronization

/// Where simulated hosts have their disks: each its own, or several one.
public final class SimulatedDisks: Sendable {
    private let all = Mutex<[Int64: Int]>([:])

    public init() {}

    /// GB, by machine.
    var sizes: [Int64: Int] {
        get { all.withLock { $0 } }
        set { all.withLock { $0 = newValue } }
    }
}

import CloudCore
import Synchronization

/// A clock that stands still until a test moves it.
public final class ManualClock: CloudClock {
    private let time: Mutex<Int64>

    public init(nowMs: Int64 = 1_705_312_800_000) { time = Mutex(nowMs) }

    public var nowMs: Int64 { time.withLock { $0 } }

    public func advance(milliseconds: Int64) { time.withLock { $0 += milliseconds } }
}

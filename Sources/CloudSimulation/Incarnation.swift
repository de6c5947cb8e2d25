import CloudCore
import Synchronization

/// One life of a program. Once it has crashed, every call that it makes throws before it has any effect, so nothing of
/// it can change anything any more.
final class Incarnation: Sendable {
    /// Which of the history's programs it is a life of.
    let program: Int
    /// Names it in leases and in the trace: `p0.2` is the second life of the first program.
    let name: String
    private let auditsDue = Mutex(0)
    private let hasCrashed = Mutex(false)
    private let end: Mutex<(@Sendable () -> Void)?> = Mutex(nil)

    init(program: Int, life: Int) {
        self.program = program
        name = "p\(program).\(life)"
    }

    var isAlive: Bool { hasCrashed.withLock { !$0 } }

    /// What is to be done when it crashes. Set once, when it has started.
    func onCrash(_ end: @escaping @Sendable () -> Void) { self.end.withLock { $0 = end } }

    /// False when it was dead already.
    func crash() -> Bool {
        let isFirst = hasCrashed.withLock { crashed in
            defer { crashed = true }
            return !crashed
        }
        if isFirst { end.withLock { $0 }?() }
        return isFirst
    }

    /// Commits after a suspension that are audited at once: what it did wrong is often put right by its next.
    private static let auditsAfterSuspension = 3

    func wasSuspended() { auditsDue.withLock { $0 = Self.auditsAfterSuspension } }

    /// Whether the commit that it has just made is to be audited.
    func takeAudit() -> Bool {
        auditsDue.withLock { due in
            defer { due = max(0, due - 1) }
            return due > 0
        }
    }

    func requireAlive() throws(CloudError) {
        guard isAlive else { throw CloudError(.serviceUnavailable, "This program has crashed.") }
    }
}

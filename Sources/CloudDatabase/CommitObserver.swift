import GRDB
import Synchronization

/// Signals after each commit of this process that appended an event, or changed a compute's state or a move's phase. A
/// transaction that is undone signals nothing.
final class CommitObserver: TransactionObserver, Sendable {
    private let changes: Changes
    /// Whether the transaction under way has something to tell.
    private let isDue = Mutex(false)

    init(_ changes: Changes) { self.changes = changes }

    func observes(eventsOfKind kind: DatabaseEventKind) -> Bool {
        switch kind {
        case .insert(let table): table == "events"
        case .update(let table, let columns):
            (table == "computes" && columns.contains("state"))
                || (table == "moves" && columns.contains("phase"))
        case .delete: false
        }
    }

    func databaseDidChange(with event: DatabaseEvent) { isDue.withLock { $0 = true } }

    func databaseDidCommit(_ db: GRDB.Database) { if end() { changes.signal() } }

    func databaseDidRollback(_ db: GRDB.Database) { _ = end() }

    private func end() -> Bool {
        isDue.withLock { isDue in
            defer { isDue = false }
            return isDue
        }
    }
}

import CloudCore
import CloudWire

extension SnapshotWire {
    /// A snapshot as the public API shows it.
    /// - Parameter costMilliRwf: what it has cost so far; `nil` where nothing is billed.
    init(_ snapshot: Snapshot, costMilliRwf: Int64?) {
        self.init(
            id: String(snapshot.id), name: snapshot.name, computeId: String(snapshot.computeId),
            state: snapshot.state.rawValue, image: snapshot.image, storageGb: snapshot.storageGb,
            sizeBytes: snapshot.bytes.map { Int($0) }, consistency: snapshot.consistency?.rawValue,
            deletionProtection: snapshot.deletionProtection,
            createdAt: Timestamp.text(snapshot.createdAtMs), updatedAt: Timestamp.text(snapshot.updatedAtMs),
            task: TaskWire(snapshot.job),
            failure: snapshot.failure.map { FailureWire(code: $0.code.rawValue, message: $0.message) },
            cost: costMilliRwf.map(Money.text))
    }
}

extension TaskWire {
    /// `nil` when nothing is being done.
    fileprivate init?(_ job: Job<SnapshotAction>) {
        switch job.action {
        case .keep, .gone: return nil
        case .take, .delete: self.init(job, action: job.action.rawValue)
        case .cleanUp: self.init(job, action: nil)
        }
    }

    /// - Parameter action: as whoever asked for it knows it.
    init(_ job: Job<some JobAction>, action: String?) {
        self.init(
            action: action, step: job.step.rawValue, since: Timestamp.text(job.sinceMs),
            attempts: job.attempts,
            note: job.note)
    }
}

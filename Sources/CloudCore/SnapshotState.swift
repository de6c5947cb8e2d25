/// Where a snapshot is in its life, as the public API shows it.
public enum SnapshotState: String, Sendable, CaseIterable {
    /// The disk's content is being copied, as it was when this began.
    case taking = "TAKING"
    case ready = "READY"
    /// It could not be taken. Nothing is kept, nothing is billed, `failure` says why.
    case failed = "FAILED"
    case deleting = "DELETING"
    case deleted = "DELETED"
}

extension SnapshotState: ResourceState {
    public var reachable: Set<SnapshotState> {
        switch self {
        case .taking: [.ready, .failed, .deleting, .deleted]
        case .ready, .failed: [.deleting, .deleted]
        case .deleting: [.deleted]
        case .deleted: []
        }
    }
}

/// What state of the guest's files a snapshot has.
public enum SnapshotConsistency: String, Sendable, CaseIterable, Codable {
    /// As after a power cut at that moment: the guest's file system mends itself when it boots.
    case crash = "CRASH"
    /// The guest's agent had its file systems written out and held still at that moment; or the guest was off.
    case fileSystem = "FILE_SYSTEM"
}

/// The steps of a snapshot's one job.
public enum SnapshotStep: String, JobStep {
    /// The host copies what the disk has over its image.
    case copy
    /// It is there; nothing is due.
    case kept
    /// The host removes all of it.
    case erase
    /// Nothing is left to do, and nothing is left.
    case done

    public var beginsUnsaved: Bool { false }
}

/// What is done to a snapshot. All that a state means for an action is in this file.
public enum SnapshotAction: String, JobAction, CaseIterable {
    // What a caller asks for.
    case take, delete
    // What the cell does by itself.
    /// Takes away what a failed copy has left.
    case cleanUp
    /// Nothing is wanted of it but that it stays.
    case keep
    /// Nothing, for good.
    case gone

    public var steps: [SnapshotStep] {
        switch self {
        case .take: [.copy]
        case .delete, .cleanUp: [.erase]
        case .keep: [.kept]
        case .gone: [.done]
        }
    }

    /// A copy holds the compute's own job, so it must come to an end.
    public func deadlineMs(of step: SnapshotStep) -> Int64? {
        switch step {
        case .copy: 3_600_000
        case .kept, .erase, .done: nil
        }
    }
}

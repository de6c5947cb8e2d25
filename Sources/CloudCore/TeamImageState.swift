/// Where an image of a team's own is in its life, as the public API shows it.
public enum TeamImageState: String, Sendable, CaseIterable {
    /// Its host waits for the file that the client sends.
    case uploading = "UPLOADING"
    /// Its host fetches, copies and checks it.
    case preparing = "PREPARING"
    case ready = "READY"
    /// It could not be made, or was lost with its host. Nothing is kept, nothing is billed, `failure` says why.
    case failed = "FAILED"
    case deleting = "DELETING"
    case deleted = "DELETED"
}

extension TeamImageState: ResourceState {
    public var reachable: Set<TeamImageState> {
        switch self {
        case .uploading: [.preparing, .failed, .deleting, .deleted]
        case .preparing: [.ready, .failed, .deleting, .deleted]
        case .ready: [.failed, .deleting, .deleted]
        case .failed: [.deleting, .deleted]
        case .deleting: [.deleted]
        case .deleted: []
        }
    }
}

/// The steps of an image's one job.
public enum ImageStep: String, JobStep {
    /// All of the upload's bytes are to come.
    case content
    /// The host makes it: fetches, copies, checks, installs.
    case make
    /// It is there; nothing is due.
    case kept
    /// The host removes all of it.
    case erase
    /// Nothing is left to do, and nothing is left.
    case done

    public var beginsUnsaved: Bool { false }
}

/// What is done to an image. All that a state means for an action is in this file.
public enum ImageAction: String, JobAction, CaseIterable {
    // What a caller asks for.
    /// Out of a file that the client sends.
    case receive
    /// Out of a snapshot, a compute's disk or a file on a web server.
    case make
    case delete
    // What the cell does by itself.
    /// Takes away what is left of one that could not be made.
    case cleanUp
    /// Nothing is wanted of it but that it stays.
    case keep
    /// Nothing, for good.
    case gone

    public var steps: [ImageStep] {
        switch self {
        case .receive: [.content, .make]
        case .make: [.make]
        case .delete, .cleanUp: [.erase]
        case .keep: [.kept]
        case .gone: [.done]
        }
    }

    /// A client has a day to send all of the file. What the host makes may hold a compute's own job, so it must come to an end.
    public func deadlineMs(of step: ImageStep) -> Int64? {
        switch step {
        case .content: 86_400_000
        case .make: 7_200_000
        case .kept, .erase, .done: nil
        }
    }
}

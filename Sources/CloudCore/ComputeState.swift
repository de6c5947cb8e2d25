/// The states that the public API shows (API reference, "States"; `FAILED` is ours).
public enum ComputeState: String, Sendable, CaseIterable {
    case creating = "CREATING"
    case running = "RUNNING"
    case stopped = "STOPPED"
    case starting = "STARTING"
    case rebooting = "REBOOTING"
    case destroying = "DESTROYING"
    case destroyed = "DESTROYED"
    /// The create could not be finished. Addresses and disk are given back, nothing is billed, `failure` says why.
    case failed = "FAILED"
}

/// What the owner of a compute wants of its machine. The worker makes the machine follow.
public enum ComputeIntent: String, Sendable, CaseIterable {
    case running = "RUNNING"
    case stopped = "STOPPED"
    case destroyed = "DESTROYED"
}

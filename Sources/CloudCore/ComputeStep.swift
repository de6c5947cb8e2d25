/// The steps of a compute's one job, in the order in which a create and then a destroy walk through them.
///
/// A step looks first and acts second, so each can be repeated after a crash at any point.
public enum ComputeStep: String, Sendable, CaseIterable {
    // Create.
    case image, disk, seed, network, boot, confirm
    /// The machine is as it should be; look at it now and then.
    case idle
    // Destroy, and the clean-up of a failed create.
    case halt, detach, erase, release
    /// Nothing is left to do, and nothing is left.
    case done

    /// Whether the step belongs to taking a machine away.
    public var isRemoval: Bool {
        switch self {
        case .image, .disk, .seed, .network, .boot, .confirm, .idle: false
        case .halt, .detach, .erase, .release, .done: true
        }
    }

    /// The longest that a compute may stay in this step of its create before it becomes FAILED, in milliseconds.
    /// `nil`: the step is repeated until it succeeds, since giving up would leak something.
    public var deadlineMs: Int64? {
        switch self {
        case .image: 3_600_000  // a cloud image over a slow line
        case .disk, .seed, .network: 120_000
        case .boot: 1_800_000  // waits for a free boot slot
        case .confirm: 900_000  // a full guest without KVM needs minutes
        case .idle, .halt, .detach, .erase, .release, .done: nil
        }
    }
}

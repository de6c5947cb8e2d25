/// The steps of a compute's one job. Which of them an action walks, and in which order, says `ComputeAction.steps`.
///
/// A step looks first and acts second, so each can be repeated after a crash at any point.
public enum ComputeStep: String, Sendable, CaseIterable {
    // Make a machine and bring it up.
    case image, disk, seed, network, boot, confirm
    /// The machine is as it should be; look at it now and then.
    case idle
    // Bring it down and keep it: ask the guest, give it time, take the power away.
    case shutdown, stopping, unplug
    /// The disk that is there becomes as large as it shall be.
    case resize
    // Take it away, also after a failed create.
    case halt, detach, erase, release
    /// Nothing is left to do, and nothing is left.
    case done

    /// The longest that a compute may stay in this step, in milliseconds, before its action fails (`SaveOutcome`).
    /// `nil`: the step is repeated until it succeeds, since giving up would leak something.
    public var deadlineMs: Int64? {
        switch self {
        case .image: 3_600_000  // a cloud image over a slow line
        case .disk, .seed, .network, .resize: 120_000
        case .boot: 1_800_000  // waits for a free boot slot
        case .confirm: 900_000  // a full guest without KVM needs minutes
        case .shutdown: 30_000  // a monitor that hangs: then without asking
        case .idle, .stopping, .unplug, .halt, .detach, .erase, .release, .done: nil
        }
    }

    /// Whether it begins before it is known that the step before it is done, and both are saved together: a crash in between
    /// repeats both, and a commit for each would take longer than most of them. The network is made of what is saved, and
    /// who waits for SSH waits long, so what comes before those is saved first.
    public var beginsUnsaved: Bool {
        switch self {
        case .disk, .seed, .boot: true
        case .image, .network, .confirm, .idle, .shutdown, .stopping, .unplug, .resize, .halt, .detach,
            .erase,
            .release, .done:
            false
        }
    }
}

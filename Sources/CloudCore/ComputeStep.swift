/// The steps of a compute's one job. Which of them an action walks, and in which order, says `ComputeAction.steps`.
public enum ComputeStep: String, JobStep {
    // Make a machine and bring it up.
    case image, disk, seed, network, boot, confirm
    /// The machine is as it should be; look at it now and then.
    case idle
    // Bring it down and keep it: ask the guest, give it time, take the power away.
    case shutdown, stopping, unplug
    /// The disk that is there becomes as large as it shall be.
    case resize
    // Put a snapshot's disk in the place of the one that is there.
    /// The disk that was there is kept beside it.
    case restore
    /// The guest has come up, so the disk that was kept goes.
    case settle
    /// The guest has not come up, so the disk that was kept is its disk again.
    case takeBack
    // Take it away, also after a failed create.
    case halt, detach, erase, release
    /// Nothing is left to do, and nothing is left.
    case done

    /// The network is made of what is saved, and who waits for SSH waits long, so what comes before those is saved first.
    public var beginsUnsaved: Bool {
        switch self {
        case .disk, .seed, .boot: true
        case .image, .network, .confirm, .idle, .shutdown, .stopping, .unplug, .resize, .restore, .settle,
            .takeBack, .halt, .detach, .erase, .release, .done:
            false
        }
    }
}

/// What becomes of a compute whose host is lost, on another host that has its disk and nothing else of it.
extension Compute {
    /// Whether there is nothing that must come along: its disk was never finished, or is gone already.
    public var needsNoDisk: Bool {
        switch job.step {
        // What it is to be made of lies on the lost host.
        case .image, .disk: snapshotId == nil
        case .release, .done: true
        case .seed, .network, .boot, .confirm, .idle, .shutdown, .stopping, .unplug, .resize, .restore,
            .settle,
            .takeBack, .halt, .detach, .erase:
            false
        }
    }

    /// Whether its guest ran, and nobody wants it otherwise by now: then it is started again.
    public var ranUndisturbed: Bool {
        state == .running && intent == .running && isAtRest
    }

    /// Where the job goes on. What a host has of a machine besides its disk is made again there: seed, interface,
    /// process. What was to come down or to be taken away looks, finds it down, and goes on.
    ///
    /// - Parameter hasImage: whether the other host has the bytes of the image that a disk is to be made of.
    public func stepElsewhere(hasImage: Bool) -> ComputeStep {
        switch job.step {
        case .disk: hasImage ? .disk : .image
        // The guest has to come up there before the disk that was kept may go.
        case .network, .boot, .confirm, .settle: .seed
        case .image, .seed, .idle, .shutdown, .stopping, .unplug, .resize, .restore, .takeBack, .halt,
            .detach,
            .erase, .release, .done:
            job.step
        }
    }
}

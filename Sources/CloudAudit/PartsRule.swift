import CloudCore
import CloudMachines

/// What must be on the host of a machine, and what may be, at each step: a step looks before it acts, so that it finds
/// its own effect made or not.
struct PartsRule: Sendable, Equatable {
    var process: Presence
    var disk: Presence
    var seed: Presence

    init(process: Presence, disk: Presence, seed: Presence) {
        self.process = process
        self.disk = disk
        self.seed = seed
    }

    /// The same on the compute's host while it moves. What is on the other one is the move's, whatever it is.
    init(_ compute: Compute, _ step: MoveStep?) {
        self.init(compute)
        guard let step, step.holdsJob else { return }
        // Nobody looks yet whether the guest has ended.
        process = .may
        if step == .refused { (disk, seed) = (.may, .may) }
    }

    /// For a compute whose job stands at this step.
    init(_ compute: Compute) {
        switch compute.job.step {
        // What is made for the first time, one thing after the other. A start comes by `seed` and `network` too, with
        // what was there before.
        case .image:
            self.init(process: .mustNot, disk: compute.snapshotId == nil ? .mustNot : .may, seed: .mustNot)
        case .disk: self.init(process: .mustNot, disk: .may, seed: .mustNot)
        case .seed: self.init(process: .mustNot, disk: .must, seed: .may)
        case .network: self.init(process: .mustNot, disk: .must, seed: .must)
        case .boot, .confirm: self.init(process: .may, disk: .must, seed: .must)
        case .idle: self.init(process: Self.idleProcess(compute), disk: .must, seed: .must)
        case .shutdown, .stopping, .unplug:
            // A restore that is undone may have stopped between two renames.
            self.init(process: .may, disk: compute.job.action == .putBack ? .may : .must, seed: .must)
        case .resize: self.init(process: .mustNot, disk: .must, seed: .may)
        // Between two renames there is none.
        case .restore, .takeBack: self.init(process: .mustNot, disk: .may, seed: .must)
        case .settle: self.init(process: .may, disk: .must, seed: .must)
        // A create may be given up at any of its steps.
        case .halt: self.init(process: .may, disk: .may, seed: .may)
        case .detach: self.init(process: .mustNot, disk: .may, seed: .may)
        case .erase: self.init(process: .mustNot, disk: .may, seed: .may)
        case .release, .done:
            self.init(process: .mustNot, disk: .mustNot, seed: .mustNot)
        }
    }

    private static func idleProcess(_ compute: Compute) -> Presence {
        // An action that was asked for has not been taken up yet.
        guard compute.isAtRest else { return .may }
        return switch compute.intent {
        case .running: .must
        case .stopped: .mustNot
        case .destroyed: .may
        }
    }
}

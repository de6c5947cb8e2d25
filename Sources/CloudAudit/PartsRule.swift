import CloudCore
import CloudMachines

/// What must be on the host of a machine, and what may be, at each step: a step looks before it acts, so that it finds
/// its own effect made or not.
struct PartsRule: Sendable, Equatable {
    /// Whether a part must be there, must not, or may be either.
    enum Presence: Sendable, Equatable {
        case must, may, mustNot

        func allows(_ isThere: Bool) -> Bool {
            switch self {
            case .must: isThere
            case .may: true
            case .mustNot: !isThere
            }
        }
    }

    var process: Presence
    var disk: Presence
    var seed: Presence
    /// Its tap, addresses and rules.
    var network: Presence

    init(process: Presence, disk: Presence, seed: Presence, network: Presence) {
        self.process = process
        self.disk = disk
        self.seed = seed
        self.network = network
    }

    /// For a compute whose job stands at this step.
    init(_ compute: Compute) {
        switch compute.task?.step {
        // What is made for the first time, one thing after the other. A start comes by `seed` and `network` too, with
        // what was there before.
        case .image: self.init(process: .mustNot, disk: .mustNot, seed: .mustNot, network: .mustNot)
        case .disk: self.init(process: .mustNot, disk: .may, seed: .mustNot, network: .mustNot)
        case .seed: self.init(process: .mustNot, disk: .must, seed: .may, network: .may)
        case .network: self.init(process: .mustNot, disk: .must, seed: .must, network: .may)
        case .boot, .confirm: self.init(process: .may, disk: .must, seed: .must, network: .must)
        case .idle: self.init(process: Self.idleProcess(compute), disk: .must, seed: .must, network: .must)
        case .shutdown, .stopping, .unplug:
            self.init(process: .may, disk: .must, seed: .must, network: .must)
        case .resize: self.init(process: .mustNot, disk: .must, seed: .may, network: .must)
        // A create may be given up at any of its steps.
        case .halt: self.init(process: .may, disk: .may, seed: .may, network: .may)
        case .detach: self.init(process: .mustNot, disk: .may, seed: .may, network: .may)
        case .erase: self.init(process: .mustNot, disk: .may, seed: .may, network: .mustNot)
        case .release, .done, nil:
            self.init(process: .mustNot, disk: .mustNot, seed: .mustNot, network: .mustNot)
        }
    }

    private static func idleProcess(_ compute: Compute) -> Presence {
        // An action that was asked for has not been taken up yet.
        guard compute.task?.action == nil else { return .may }
        return switch compute.intent {
        case .running: .must
        case .stopped: .mustNot
        case .destroyed: .may
        }
    }
}

/// What is done to a compute. All that a state or a step means for an action is in this file.
public enum ComputeAction: String, JobAction, CaseIterable {
    // What a caller asks for.
    case create, start, stop, reboot, upsize, restore, update, delete
    // What the cell does by itself.
    /// Takes away what a failed create has made.
    case cleanUp
    /// Brings the guest up again on the disk that it had before a restore.
    case putBack
    /// Looks now and then whether the machine is as it should be: nothing else is wanted of it.
    case keep
    /// Nothing, for good.
    case gone

    /// Those that a caller asks for.
    public static let asked: [ComputeAction] = allCases.filter(\.isAsked)

    public var isAsked: Bool {
        switch self {
        case .create, .start, .stop, .reboot, .upsize, .restore, .update, .delete: true
        case .cleanUp, .putBack, .keep, .gone: false
        }
    }

    /// Whether nothing is done: the machine stays as it is, or is gone.
    public var rests: Bool { self == .keep || self == .gone }

    public var steps: [ComputeStep] {
        switch self {
        case .create: [.image, .disk, .seed, .network, .boot, .confirm]
        case .start: Self.bringUp
        case .stop: Self.bringDown
        // By the power button, and then a fresh process: this works with every guest that can be stopped.
        case .reboot: Self.bringDown + Self.bringUp
        case .upsize: [.resize]
        case .restore: Self.bringDown + [.restore] + Self.bringUp + [.settle]
        case .putBack: [.unplug, .takeBack] + Self.bringUp
        case .update: []
        case .delete, .cleanUp: [.halt, .detach, .erase, .release]
        case .keep: [.idle]
        case .gone: [.done]
        }
    }

    /// With the disk that is there: whatever has become of its image in the catalogue, nothing is made of it again.
    private static let bringUp: [ComputeStep] = [.resize, .seed, .network, .boot, .confirm]
    private static let bringDown: [ComputeStep] = [.shutdown, .stopping, .unplug]

    /// Without one, giving up would leak something.
    public func deadlineMs(of step: ComputeStep) -> Int64? {
        switch step {
        case .image, .restore: 3_600_000  // a cloud image over a slow line, the copy of a large snapshot
        case .disk, .seed, .network, .resize: 120_000
        case .boot: 1_800_000  // waits for a free boot slot
        // A full guest without KVM needs minutes. A start knows the guest: it was reached before, and its owner may have
        // moved or closed its SSH server since.
        case .confirm: self == .create ? 900_000 : 300_000
        case .shutdown: 30_000  // a monitor that hangs: then without asking
        case .idle, .stopping, .unplug, .settle, .takeBack, .halt, .detach, .erase, .release, .done: nil
        }
    }

    /// What the owner wants of the machine from this action on; `nil`: what he wanted before.
    public var intent: ComputeIntent? {
        switch self {
        case .create, .start, .reboot, .restore: .running
        case .stop: .stopped
        case .delete: .destroyed
        case .upsize, .update, .cleanUp, .putBack, .keep, .gone: nil
        }
    }

    /// What the event is called that tells of the request.
    public var requestedKind: String {
        switch self {
        case .create: "compute.created"
        case .update: "compute.updated"
        case .start, .stop, .reboot, .upsize, .restore, .delete, .cleanUp, .putBack, .keep, .gone:
            "compute.\(rawValue).requested"
        }
    }

    /// What the table below says of an action in a state.
    public enum Verdict: Sendable, Equatable {
        /// It goes ahead, and the compute shows this state until it is done.
        case accepted(ComputeState)
        /// It is under way or done: accepted, and nothing changes.
        case repeated
        /// 409 `CONFLICT`.
        case conflict
        /// 400 `COMPUTE_RUNNING`.
        case running
    }

    /// Which state allows which action (API reference, "Endpoints", "States" and "Error codes").
    public func verdict(in state: ComputeState) -> Verdict {
        switch (self, state) {
        case (.create, _), (.cleanUp, _), (.putBack, _), (.keep, _), (.gone, _): .conflict
        case (.start, .stopped): .accepted(.starting)
        case (.start, .creating), (.start, .running), (.start, .starting), (.start, .rebooting),
            (.start, .destroying), (.start, .destroyed), (.start, .failed):
            .conflict
        // There is no state for "on its way to STOPPED": it stays what it is, and the task tells.
        case (.stop, .running), (.stop, .starting), (.stop, .rebooting): .accepted(state)
        case (.stop, .creating), (.stop, .stopped), (.stop, .destroying), (.stop, .destroyed),
            (.stop, .failed):
            .conflict
        case (.reboot, .running): .accepted(.rebooting)
        case (.reboot, .creating), (.reboot, .stopped), (.reboot, .starting), (.reboot, .rebooting),
            (.reboot, .destroying), (.reboot, .destroyed), (.reboot, .failed):
            .conflict
        case (.upsize, .stopped): .accepted(.stopped)
        case (.upsize, .running), (.upsize, .starting), (.upsize, .rebooting): .running
        case (.upsize, .creating), (.upsize, .destroying), (.upsize, .destroyed), (.upsize, .failed):
            .conflict
        // The guest is down for a while, and then runs on another disk.
        case (.restore, .running): .accepted(.rebooting)
        case (.restore, .stopped): .accepted(.starting)
        case (.restore, .creating), (.restore, .starting), (.restore, .rebooting), (.restore, .destroying),
            (.restore, .destroyed), (.restore, .failed):
            .conflict
        case (.update, .creating), (.update, .running), (.update, .stopped), (.update, .starting),
            (.update, .rebooting):
            .accepted(state)
        case (.update, .destroying), (.update, .destroyed), (.update, .failed): .conflict
        case (.delete, .creating), (.delete, .running), (.delete, .stopped), (.delete, .starting),
            (.delete, .rebooting), (.delete, .failed):
            .accepted(.destroying)
        case (.delete, .destroying): .repeated
        case (.delete, .destroyed): .conflict
        }
    }

    /// The same, with the action that is under way taken into account.
    public func verdict(on compute: Compute) -> Verdict {
        switch (self, compute.job.action) {
        case (.stop, .stop): .repeated
        case (.reboot, .stop), (.restore, .stop), (.upsize, .upsize), (.restore, .upsize): .conflict
        // A guest that is stopped meanwhile would never show whether it can run on the restored disk.
        case (.stop, .restore), (.stop, .putBack): .conflict
        default: verdict(in: compute.state)
        }
    }

    /// The state that the compute shows next; `nil` when nothing changes. Throws `CONFLICT` or `COMPUTE_RUNNING` with
    /// action, state and remedy.
    public func accept(_ compute: Compute) throws(CloudError) -> ComputeState? {
        switch verdict(on: compute) {
        case .accepted(let state): return state
        case .repeated: return nil
        case .conflict:
            throw CloudError(
                .conflict,
                "Compute \(compute.id) is \(compute.state.rawValue)\(underWay(compute)), which does not allow "
                    + "'\(rawValue)'. \(remedy)")
        case .running:
            throw CloudError(
                .computeRunning,
                "Compute \(compute.id) is \(compute.state.rawValue), and '\(rawValue)' needs it STOPPED. "
                    + "POST /computes/\(compute.id)/stop, and try again once it is.")
        }
    }

    private func underWay(_ compute: Compute) -> String {
        compute.askedAction.map { " ('\($0.rawValue)' is under way)" } ?? ""
    }

    /// Which states would do, out of the table itself.
    private var remedy: String {
        let states = ComputeState.allCases.filter {
            if case .accepted = verdict(in: $0) { true } else { false }
        }
        return states.isEmpty
            ? "No state does."
            : "It is allowed when \(states.map(\.rawValue).joined(separator: ", ")) and nothing is under way."
    }
}

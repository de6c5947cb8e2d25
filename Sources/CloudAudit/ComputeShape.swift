import CloudCore

/// Which states, intents, actions and steps a compute can have together.
struct ComputeShape: Sendable, Equatable {
    var state: ComputeState
    var intent: ComputeIntent
    var action: ComputeAction
    var step: ComputeStep

    init(_ state: ComputeState, _ intent: ComputeIntent, _ action: ComputeAction, _ step: ComputeStep) {
        self.state = state
        self.intent = intent
        self.action = action
        self.step = step
    }

    var isPossible: Bool {
        Self.rows(state).contains { $0.intent == intent && $0.action == action && $0.steps.contains(step) }
    }

    /// What goes with a state: an action, the intent with it, and the steps at which the job may stand.
    private struct Row {
        var action: ComputeAction
        var intent: ComputeIntent
        var steps: Set<ComputeStep>

        init(_ action: ComputeAction, _ intent: ComputeIntent, _ steps: Set<ComputeStep>) {
            self.action = action
            self.intent = intent
            self.steps = steps
        }
    }

    /// An action that has been asked for finds the job where the one before it stood, until the worker takes it up.
    private static func rows(_ state: ComputeState) -> [Row] {
        let start = Set(ComputeAction.start.steps)
        let stop = Set(ComputeAction.stop.steps)
        let reboot = Set(ComputeAction.reboot.steps)
        let restore = Set(ComputeAction.restore.steps)
        let putBack = Set(ComputeAction.putBack.steps)
        return switch state {
        case .creating:
            [
                Row(.create, .running, Set(ComputeAction.create.steps)),
                // Its guest has powered itself off, and what is left of the process is halted.
                Row(.stop, .stopped, [.unplug]),
            ]
        case .running: [Row(.keep, .running, [.idle]), Row(.stop, .stopped, stop.union([.idle]))]
        case .stopped:
            [
                Row(.keep, .stopped, [.idle]),
                Row(.upsize, .stopped, Set(ComputeAction.upsize.steps).union([.idle])),
            ]
        case .starting:
            [
                Row(.start, .running, start.union([.idle])), Row(.restore, .running, restore.union([.idle])),
                Row(.putBack, .running, putBack),
                Row(.stop, .stopped, start.union(stop).union([.idle])),
            ]
        case .rebooting:
            [
                Row(.reboot, .running, reboot.union([.idle])),
                Row(.restore, .running, restore.union([.idle])),
                Row(.putBack, .running, putBack),
                Row(.stop, .stopped, reboot.union([.idle])),
            ]
        case .destroying: [Row(.delete, .destroyed, Set(ComputeStep.allCases))]
        case .destroyed: [Row(.gone, .destroyed, [.done])]
        case .failed:
            [Row(.cleanUp, .running, Set(ComputeAction.cleanUp.steps)), Row(.gone, .running, [.done])]
        }
    }
}

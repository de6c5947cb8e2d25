/// A step of a workflow: one thing that a host does. It looks first and acts second, so it can be repeated after a crash
/// at any point.
public protocol JobStep: RawRepresentable<String>, CaseIterable, Hashable, Sendable {
    /// Whether it begins before it is known that the step before it is done, and both are saved together: a crash in
    /// between repeats both, and a commit for each would take longer than most of them.
    var beginsUnsaved: Bool { get }
}

/// Something that is done to a resource in steps.
public protocol JobAction: RawRepresentable<String>, Hashable, Sendable {
    associatedtype Step: JobStep

    /// The steps that it walks, in order, each once. This is the only place that says so. None: it is done with the
    /// transaction that accepts it, and is never a job's.
    var steps: [Step] { get }

    /// The longest that a job may stay in one of its steps, in milliseconds, before the step is late. `nil`: the step is
    /// repeated until it succeeds.
    func deadlineMs(of step: Step) -> Int64?
}

extension JobAction {
    /// The step that is due when the job stands at `present`: that one if it is on this action's way, else the way's
    /// first. So an action goes before whatever an earlier one was waiting for.
    public func step(from present: Step) -> Step {
        steps.contains(present) ? present : steps.first ?? present
    }

    /// The step after this one; `nil` after the last.
    public func step(after step: Step) -> Step? {
        guard let index = steps.firstIndex(of: step) else { return steps.first }
        return index + 1 < steps.count ? steps[index + 1] : nil
    }
}

/// What is being done to a resource, and the step that it has reached.
public struct Job<Action: JobAction>: Sendable, Equatable {
    public var action: Action
    public var step: Action.Step
    /// When the step began, in milliseconds since 1970.
    public var sinceMs: Int64
    /// How often the step has failed so far.
    public var attempts: Int
    /// What it waits for or stumbled over, for the owner.
    public var note: String?

    public init(
        _ action: Action, _ step: Action.Step, sinceMs: Int64, attempts: Int = 0, note: String? = nil
    ) {
        self.action = action
        self.step = step
        self.sinceMs = sinceMs
        self.attempts = attempts
        self.note = note
    }

    /// The step that is due: the job's own, unless its action has changed.
    public var dueStep: Action.Step { action.step(from: step) }
}

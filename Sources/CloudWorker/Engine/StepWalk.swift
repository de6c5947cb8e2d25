import CloudCore

/// Steps of one job that are run one after the other and saved together; most often it is a single one.
struct StepWalk<Subject: WorkflowSubject>: Sendable {
    typealias Step = Subject.Action.Step

    /// As it was when the first of them was due.
    let subject: Subject
    /// Attempts of its last step that have failed.
    private(set) var attempts: Int
    /// When each of them began, by the clock; at least one.
    private(set) var begins: [(step: Step, ms: Int64)]

    /// Begins with the step that the job stands at.
    init(_ subject: Subject) {
        self.subject = subject
        attempts = subject.job.attempts
        begins = [(subject.job.step, subject.job.sinceMs)]
    }

    /// A closure, since generic code builds a key path again at each use: that took 5 % of the processor time of a create.
    var steps: [Step] { begins.map { $0.step } }

    /// The last one.
    var step: Step { begins[begins.count - 1].step }

    /// The step after it on the action's way; `nil`: it is the last.
    var next: Step? { subject.job.action.step(after: step) }

    mutating func goOn(to next: Step, nowMs: Int64) {
        begins.append((next, nowMs))
        attempts = 0
    }
}

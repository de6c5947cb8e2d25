import CloudCore

/// Steps of one job that are run one after the other and saved together; most often it is a single one.
struct StepWalk: Sendable {
    /// As it was when the first of them was due.
    let compute: Compute
    /// Attempts of its last step that have failed.
    private(set) var attempts: Int
    /// When each of them began, by the clock; at least one.
    private(set) var begins: [(step: ComputeStep, ms: Int64)]

    /// Begins with the step that the job stands at.
    init(_ compute: Compute, _ task: ComputeTask) {
        self.compute = compute
        attempts = task.attempts
        begins = [(task.step, task.sinceMs)]
    }

    var steps: [ComputeStep] { begins.map(\.step) }

    /// The last one.
    var step: ComputeStep { begins[begins.count - 1].step }

    mutating func goOn(to next: ComputeStep, nowMs: Int64) {
        begins.append((next, nowMs))
        attempts = 0
    }
}

import CloudCore

/// What a step decided. The engine saves it together with the rows that it changes.
enum StepOutcome<News: Sendable>: Sendable {
    /// On to the action's next step, at once.
    case done
    /// Not done yet. The step runs again after this time. The note tells the owner what it waits for.
    case wait(milliseconds: Int64, note: String?)
    /// Nothing to do until somebody makes the job due again.
    case rest
    /// The action can't be finished: say why.
    case fail(ComputeFailure)
    /// Tried and failed; try again later. The note is for the owner, the detail for the operator.
    case retry(note: String, detail: String?)
    /// Something that the kind's own rows follow from.
    case news(News)
    /// The job's action has changed, so that another step is due than the one at which it stands.
    case superseded

    var isDone: Bool {
        if case .done = self { true } else { false }
    }

    /// For labels.
    var name: String {
        switch self {
        case .done: "advance"
        case .wait: "wait"
        case .rest: "rest"
        case .fail: "fail"
        case .retry: "retry"
        case .news(let news): "\(news)"
        case .superseded: "superseded"
        }
    }
}

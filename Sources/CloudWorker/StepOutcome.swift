import CloudCore

/// What a step decided. The worker saves it together with the rows that it changes.
enum StepOutcome: Sendable, Equatable {
    /// Done; on to the next step at once.
    case advance(ComputeStep)
    /// Not yet; look again after so many milliseconds. The note says to the owner what it waits for.
    case wait(milliseconds: Int64, note: String?)
    /// Nothing to do until somebody makes the job due again.
    case rest
    /// The action can't be finished: say why. A create gives everything back, a start leaves the compute STOPPED.
    case fail(ComputeFailure)
    /// The guest has ended by itself, for this reason.
    case guestGone(ComputeFailure)
    /// The machine rests, and is not as it should be.
    case drifted(MachineDrift)
    /// Nothing is left of the machine.
    case finish
    /// Another program has this port, which leads to the guest: try again at once with the next one.
    case portTaken(Int)
    /// Tried and failed; try again later. The note is for the owner, the detail for the operator.
    case retry(note: String, detail: String?)

    /// Whether the job leaves the step by its own doing.
    var endsStep: Bool {
        switch self {
        case .advance, .finish: true
        case .wait, .rest, .fail, .guestGone, .drifted, .portTaken, .retry: false
        }
    }
}

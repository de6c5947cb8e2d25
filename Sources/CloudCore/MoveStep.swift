/// One of the two hosts of a move.
public enum MoveSide: Sendable, CaseIterable {
    case source, destination
}

/// How far a compute's move to another host is. All that a step means is in this file; docs/decisions/0021 tells why.
///
///     departure → arrival → copy → switched → leaving → (over)
///                    └───────┤        └→ refused → withdrawn → (over)
///                            ├→ cancelled → returned → (over)
///                            └→ abandoned → withdrawn → (over)
public enum MoveStep: String, JobStep {
    /// The source says what the destination must know.
    case departure
    /// The destination makes ready.
    case arrival
    /// The source sends disk and memory; the guest runs there.
    case copy
    /// The guest stands still, and the destination may let it go on: no other step allows that.
    case switched
    /// The destination could not let it go on, and takes back what has come.
    case refused
    /// The guest runs at its destination; the source erases what is left there.
    case leaving
    /// The guest shall stay, and was never allowed to go on elsewhere: the source lets it go on.
    case cancelled
    /// The same, where the source may be away: the destination clears up first.
    case abandoned
    /// The same, and the source is done: the destination clears up.
    case returned
    /// Nothing is at the destination any more; the source lets the guest go on.
    case withdrawn

    /// Each tells the other host what it may do, so each is saved by itself.
    public var beginsUnsaved: Bool { false }

    /// Whose step it is.
    public var side: MoveSide {
        switch self {
        case .departure, .copy, .leaving, .cancelled, .withdrawn: .source
        case .arrival, .switched, .refused, .returned, .abandoned: .destination
        }
    }

    /// The host that the compute's row names. The other one keeps room for it until the move is over.
    public var home: MoveSide {
        switch self {
        case .departure, .arrival, .copy, .cancelled, .abandoned, .returned, .withdrawn: .source
        case .switched, .refused, .leaving: .destination
        }
    }

    /// Whether the compute's job waits for the move, so that two never work on one machine.
    public var holdsJob: Bool {
        switch self {
        case .departure, .arrival, .copy, .switched, .refused, .cancelled, .abandoned, .withdrawn: true
        case .leaving, .returned: false
        }
    }

    /// Whether it can be called off, since the guest can't have gone on at the destination.
    public var mayBeCancelled: Bool {
        switch self {
        case .departure, .arrival, .copy: true
        case .switched, .refused, .leaving, .cancelled, .abandoned, .returned, .withdrawn: false
        }
    }

    /// The host on which the machine has an interface that nothing passes: it is to come, or may have to come back.
    public var spareTap: MoveSide? {
        switch self {
        case .arrival, .copy: .destination
        case .switched, .refused: .source
        case .departure, .leaving, .cancelled, .abandoned, .returned, .withdrawn: nil
        }
    }
}

/// What is done in a move.
public enum MoveAction: String, JobAction, CaseIterable {
    case move
    /// The guest stays where it is.
    case callOff
    /// The same, where the source may be away.
    case abandon
    /// The destination could not let the guest go on.
    case takeBack

    public var steps: [MoveStep] {
        switch self {
        case .move: [.departure, .arrival, .copy, .switched, .leaving]
        case .callOff: [.cancelled, .returned]
        case .abandon: [.abandoned, .withdrawn]
        case .takeBack: [.refused, .withdrawn]
        }
    }

    /// A move has a deadline as a whole (`Move.deadlineMs`); what can't be called off is repeated until it succeeds.
    public func deadlineMs(of step: MoveStep) -> Int64? { nil }
}

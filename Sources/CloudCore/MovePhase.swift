/// One of the two hosts of a move.
public enum MoveSide: Sendable, CaseIterable {
    case source, destination
}

/// How far a compute's move to another host is. All that a phase means is in this file; docs/decisions/0021 tells why.
///
///     departure → arrival → copy → switched → leaving → (over)
///                    └───────┴──────┐   └→ refused → withdrawn → (over)
///                               cancelled → returned or withdrawn → (over)
public enum MovePhase: String, Sendable, CaseIterable {
    /// The source says what the destination must know.
    case departure = "DEPARTURE"
    /// The destination makes ready.
    case arrival = "ARRIVAL"
    /// The source sends disk and memory; the guest runs there.
    case copy = "COPY"
    /// The guest stands still, and the destination may let it go on: no other phase allows that.
    case switched = "SWITCHED"
    /// The destination could not let it go on, and takes back what has come.
    case refused = "REFUSED"
    /// The guest runs at its destination; the source erases what is left there.
    case leaving = "LEAVING"
    /// The guest shall stay, and was never allowed to go on elsewhere: both hosts clean up, in any order.
    case cancelled = "CANCELLED"
    /// The same, and the source is done: the guest runs there.
    case returned = "RETURNED"
    /// Nothing is at the destination any more; the source lets the guest go on.
    case withdrawn = "WITHDRAWN"

    /// Who acts next.
    public var actors: Set<MoveSide> {
        switch self {
        case .departure, .copy, .leaving, .withdrawn: [.source]
        case .arrival, .switched, .refused, .returned: [.destination]
        case .cancelled: [.source, .destination]
        }
    }

    /// The host that the compute's row names. The other one keeps room for it until the move is over.
    public var home: MoveSide {
        switch self {
        case .departure, .arrival, .copy, .cancelled, .returned, .withdrawn: .source
        case .switched, .refused, .leaving: .destination
        }
    }

    /// Whether the compute's job waits for the move, so that two never work on one machine.
    public var holdsJob: Bool {
        switch self {
        case .departure, .arrival, .copy, .switched, .refused, .cancelled, .withdrawn: true
        case .leaving, .returned: false
        }
    }

    /// Whether it can be called off, since the guest can't have gone on at the destination.
    public var mayBeCancelled: Bool {
        switch self {
        case .departure, .arrival, .copy: true
        case .switched, .refused, .leaving, .cancelled, .returned, .withdrawn: false
        }
    }

    /// The host on which the machine has an interface that nothing passes: it is to come, or may have to come back.
    public var spareTap: MoveSide? {
        switch self {
        case .arrival, .copy: .destination
        case .switched, .refused: .source
        case .departure, .leaving, .cancelled, .returned, .withdrawn: nil
        }
    }

    /// What follows when it is called off; `nil`: it is over. To be asked where `mayBeCancelled` alone.
    public var cancelled: MovePhase? { self == .departure ? nil : .cancelled }

    /// What follows when one host has cleaned up; `nil`: it is over.
    public func settled(by side: MoveSide) -> MovePhase? {
        guard self == .cancelled else { return nil }
        return switch side {
        case .source: .returned
        case .destination: .withdrawn
        }
    }
}

import CloudCore

/// What came of the call that a phase of a move makes. The driver saves it together with the rows that it changes.
enum MoveOutcome: Sendable, Equatable {
    /// The next phase, with what the hosts said, as JSON.
    case departs(String)
    case awaited(String)
    case switched
    /// The guest runs at its destination.
    case arrived
    case refused(String)
    /// This host has cleaned up.
    case settled
    /// Not yet: how far it is, and when to look again, in milliseconds.
    case wait(String?, milliseconds: Int64)
    /// It can't go on, and is called off.
    case cancel(String)
}

import CloudAudit
import CloudDatabase
import CloudSimulation

extension Mutant {
    /// Bugs in the audit log.
    static let ofEvents: [Mutant] = [
        Mutant(
            "takes an event out", breaks: Invariant.eventsHaveNoGap,
            .sql { statement in
                guard statement.has("INSERT INTO events"), statement.text(4) == "compute.running" else {
                    return .none
                }
                try statement.database.execute(statement.text, statement.arguments)
                try statement.database.execute("DELETE FROM events WHERE id = (SELECT MAX(id) FROM events)")
                return .none
            }),
        Mutant(
            "does not tell that a compute runs", breaks: Invariant.stateHasItsEvent,
            .sql { $0.has("INSERT INTO events") && $0.text(4) == "compute.running" ? .skip() : .none }),
    ]
}

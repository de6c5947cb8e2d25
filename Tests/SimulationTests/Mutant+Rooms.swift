import CloudAudit
import CloudDatabase
import CloudSimulation

extension Mutant {
    /// Bugs in what is given out of hosts.
    static let ofRooms: [Mutant] = [
        Mutant(
            "does not look whether a host has room", breaks: Invariant.capacityIsKept,
            .sql { statement in
                guard statement.has("free_vcpus >= $") else { return .none }
                let text = statement.text.replacing("free_vcpus >= $", with: "free_vcpus >= 0 * $")
                return .replace(text, statement.arguments)
            }),
        Mutant(
            "does not count that a compute has given its room back", breaks: Invariant.hostCountsItsComputes,
            .skipping("SET taken_vcpus = taken_vcpus - $2")),
    ]
}

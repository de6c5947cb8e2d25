import CloudAudit
import CloudDatabase
import CloudSimulation

extension Mutant {
    /// Bugs in what is given out of hosts.
    static let ofRooms: [Mutant] = [
        Mutant(
            "does not count what is taken", breaks: Invariant.capacityIsKept,
            .skipping("AND state = 'ACTIVE' AND free_vcpus")),
        Mutant(
            "does not count that a compute has given its room back", breaks: Invariant.hostCountsItsComputes,
            .skipping("SET taken_vcpus = taken_vcpus - $2")),
    ]
}

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
        Mutant(
            "gives an evacuated compute another host, and its job none",
            breaks: Invariant.hostCountsItsComputes,
            .skipping("UPDATE jobs SET host_id = $2")),
        Mutant(
            "counts a new compute in no list", breaks: Invariant.totalsAreCounts,
            .skipping("INSERT INTO compute_totals")),
        Mutant(
            "counts a compute in its former state too", breaks: Invariant.totalsAreCounts,
            .skipping("UPDATE compute_totals")),
    ]
}

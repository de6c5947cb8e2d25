import CloudCore
import CloudDatabase
import CloudVerbs

/// What the start of a host's worker does to the rows: frees the leases of the one before it, which owns the host no
/// more, and after a reboot of the host begins to start what ran.
struct AdoptHost: Sendable {
    let claim: HostClaim
    /// `MachineHost.bootId`.
    let bootId: String
    let nowMs: Int64

    /// How many computes are started again; `nil` when the host was not rebooted since the last time.
    func run(_ sql: any SQLConnection) throws -> Int? {
        let hostId = try claim.check(sql)
        try sql.jobs.resumeAll(hostId: hostId, nowMs: nowMs)
        let known = try sql.hosts.bootId(hostId)
        guard known != bootId else { return nil }
        try sql.hosts.set(hostId, bootId: bootId)
        // The first worker that knows of boots can't know of the last one.
        guard known != nil else { return nil }
        try bootAgain(hostId, sql)
        return try startAgain(hostId, sql)
    }

    /// Guests that were booting did not get up. Those that are on their way down are down.
    private func bootAgain(_ hostId: Int64, _ sql: any SQLConnection) throws {
        for compute in try sql.computes.list(steps: [.confirm, .settle], hostId: hostId) {
            guard compute.job.action.steps.contains(.boot) else { continue }
            try sql.jobs.move(compute.id, to: ComputeStep.boot, nowMs: nowMs)
            try sql.jobs.schedule(compute.id, dueAtMs: nowMs)
        }
    }

    /// Guests that ran, and that nobody wants otherwise by now. Those that were about to come from another host did not run
    /// here; the move finds out where they go on.
    private func startAgain(_ hostId: Int64, _ sql: any SQLConnection) throws -> Int {
        let coming = Set(
            try sql.moves.list(hostId: hostId).filter { $0.step.holdsJob && $0.step.home == .destination }
                .map(\.computeId))
        let ran = try sql.computes.list(steps: [.idle], hostId: hostId).filter {
            $0.state == .running && $0.intent == .running && $0.isAtRest && !coming.contains($0.id)
        }
        for compute in ran {
            try sql.computeVerbs.startAgain(compute, since: "the host was rebooted", nowMs: nowMs)
        }
        return ran.count
    }
}

import CloudCore
import CloudDatabase

extension ComputeWorkflow {
    /// Gives the compute the next port that no other compute has, and lets its boot be tried again at once. A compute for
    /// which every port was tried fails.
    func changePort(_ port: Int, _ compute: Compute, _ turn: Turn) throws -> Turnout<ComputeAction> {
        guard let next = try nextPort(port, compute, turn) else {
            return try fail(
                compute,
                ComputeFailure(
                    .hostFailed,
                    "Other programs of the host have the ports that lead to guests, the last one \(port). Ask the operator "
                        + "to end them, or for other sshPorts."), turn)
        }
        try turn.sql.computes.set(compute.id, sshPort: next, nowMs: turn.nowMs)
        try turn.sql.jobs.countAttempt(compute.id)
        return .wait(
            milliseconds: 0, note: "another program has the host's port \(port); \(next) is tried")
    }

    /// The one that is free longest, which the other program has not. The present one is given back, so it is the last that
    /// is tried again.
    private func nextPort(_ port: Int, _ compute: Compute, _ turn: Turn) throws -> Int? {
        guard let ports = sshPorts, compute.job.attempts < ports.count else { return nil }
        let addresses = turn.sql.addresses
        let next = try addresses.take(
            from: AddressRange(.sshPort, Int64(ports.lowerBound)...Int64(ports.upperBound)), for: compute.id,
            nowMs: turn.nowMs)
        guard let next else { return nil }
        try addresses.giveBack(.sshPort, Int64(port), nowMs: turn.nowMs)
        return Int(next)
    }
}

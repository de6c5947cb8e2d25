import CloudCore
import CloudDatabase

extension ComputeWorkflow {
    /// Gives the compute the next port that no other compute has, and lets its boot be tried again at once. A compute for
    /// which every port was tried fails.
    func changePort(_ port: Int, _ compute: Compute, _ turn: Turn) throws -> Turnout<ComputeAction> {
        guard let ports = sshPorts, compute.job.attempts < ports.count,
            let next = try free(after: port, in: ports, turn.sql)
        else {
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

    /// The next one upwards, and then from the range's beginning on.
    private func free(after port: Int, in ports: ClosedRange<Int>, _ sql: any SQLConnection) throws -> Int? {
        let first = max(port + 1, ports.lowerBound)
        if first <= ports.upperBound,
            let next = try sql.addresses.freeSSHPort(in: first...ports.upperBound)
        {
            return next
        }
        let last = min(port - 1, ports.upperBound)
        return last < ports.lowerBound ? nil : try sql.addresses.freeSSHPort(in: ports.lowerBound...last)
    }
}

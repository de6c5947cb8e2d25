import CloudCore
import CloudDatabase

extension SQLConnection {
    /// The computes as their owners see them: one whose host is DOWN says so, and shows the state that it was last known
    /// to be in. Nothing of it is written, so it is as it was once the host is back.
    func shown(_ computes: [Compute], _ cloud: Cloud, nowMs: Int64) throws -> [Compute] {
        let living = computes.filter(\.isOnItsHost)
        var down = try hosts.down(Set(living.compactMap(\.hostId)), nowMs: nowMs)
        guard !down.isEmpty else { return computes }
        if let own = cloud.ownHost() { down.remove(own.id) }
        return computes.map { compute in
            guard compute.isOnItsHost, let hostId = compute.hostId, down.contains(hostId) else {
                return compute
            }
            var compute = compute
            compute.failure = .hostDown
            return compute
        }
    }
}

extension Compute {
    /// Whether anything of it may be on a host.
    fileprivate var isOnItsHost: Bool {
        switch state {
        case .creating, .running, .stopped, .starting, .rebooting, .destroying: true
        case .destroyed, .failed: false
        }
    }
}

extension ComputeFailure {
    fileprivate static let hostDown = ComputeFailure(
        .hostDown,
        "Nobody hears of the compute's host. The guest may run all the same; what is asked of it is done once the host "
            + "is back. If it stays so, ask the operator.")
}

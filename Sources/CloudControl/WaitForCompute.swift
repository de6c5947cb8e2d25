import CloudCore
import CloudDatabase

/// `GET /computes/{id}?wait=…`: answers as soon as the compute is in a state that is waited for.
public struct WaitForCompute: Sendable {
    public var id: Int64
    public var wait: ComputeWait
    public var caller: Caller

    /// The safety net under the signal: other processes write too.
    static let pollLimit = Duration.seconds(1)

    public init(id: Int64, wait: ComputeWait, caller: Caller) {
        self.id = id
        self.wait = wait
        self.caller = caller
    }

    /// The compute as it is when it has reached one of the states, or can't any more, or the time is up, or the task is
    /// cancelled. Throws `UNAUTHORIZED` once the key is revoked, and `RESOURCE_NOT_FOUND` once it is DESTROYED, unless that is waited for.
    public func run(in cloud: Cloud) async throws -> Compute {
        let changes = cloud.database.changes
        let deadline = ContinuousClock.now + wait.timeout
        while true {
            let seen = changes.count
            let compute = try await cloud.database.glance { sql in
                try caller.require(.view, now: sql)
                return try sql.shown([try find(sql)], cloud, nowMs: cloud.clock.nowMs)[0]
            }
            let left = deadline - .now
            if wait.isOver(in: compute.state) || left <= .zero { return compute }
            await changes.wait(for: caller.teamId, after: seen, atMost: min(left, Self.pollLimit))
            if Task.isCancelled { return compute }
        }
    }

    private func find(_ sql: any SQLConnection) throws -> Compute {
        guard wait.states.contains(.destroyed) else { return try GetCompute.find(id, caller, sql) }
        guard let compute = try sql.computes.getEvenDestroyed(id, teamId: caller.teamId) else {
            throw GetCompute.notFound(id)
        }
        return compute
    }
}

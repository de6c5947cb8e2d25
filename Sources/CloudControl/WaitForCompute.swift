import CloudCore
import CloudDatabase

/// `GET /computes/{id}?wait=…`: answers as soon as the compute is in a state that is waited for.
public struct WaitForCompute: Sendable {
    public var id: Int64
    public var wait: ComputeWait
    public var caller: Caller

    public init(id: Int64, wait: ComputeWait, caller: Caller) {
        self.id = id
        self.wait = wait
        self.caller = caller
    }

    /// The compute as it is when it has reached one of the states, or can't any more, or the time is up, or the task is
    /// cancelled. Throws `UNAUTHORIZED` once the key is revoked, and `RESOURCE_NOT_FOUND` once it is DESTROYED, unless that is waited for.
    public func run(in cloud: Cloud) async throws -> Compute {
        try await wait.run(caller, in: cloud, state: { $0.state }) { sql in
            try sql.shown([try find(sql)], cloud, nowMs: cloud.clock.nowMs)[0]
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

/// The safety net under the signal of a wait: other processes write too.
private let pollLimit = Duration.seconds(1)

extension StateWait {
    /// Looks until the resource has reached one of the states, or can't any more, or the time is up, or the task is cancelled,
    /// and returns what the last look found. Throws `UNAUTHORIZED` once the caller's key is revoked, and what `find` throws.
    func run<Resource: Sendable>(
        _ caller: Caller, in cloud: Cloud, state: (Resource) -> State,
        _ find: @escaping @Sendable (any SQLConnection) throws -> Resource
    ) async throws -> Resource {
        let changes = cloud.database.changes
        let deadline = ContinuousClock.now + timeout
        while true {
            let seen = changes.count
            let resource = try await cloud.database.glance { sql in
                try caller.require(.view, now: sql)
                return try find(sql)
            }
            let left = deadline - .now
            if isOver(in: state(resource)) || left <= .zero { return resource }
            await changes.wait(for: caller.teamId, after: seen, atMost: min(left, pollLimit))
            if Task.isCancelled { return resource }
        }
    }
}

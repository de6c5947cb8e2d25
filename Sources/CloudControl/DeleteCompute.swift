import CloudCore
import CloudDatabase

/// `DELETE /computes/{id}`: destroys a compute for good, from any state. Repeating it is harmless.
public struct DeleteCompute: Sendable {
    public var id: Int64
    public var caller: Caller
    public var requestId: String

    public init(id: Int64, caller: Caller, requestId: String) {
        self.id = id
        self.caller = caller
        self.requestId = requestId
    }

    /// The compute as it then is. Throws `FORBIDDEN` and `RESOURCE_NOT_FOUND`.
    public func run(in cloud: Cloud) async throws -> Compute {
        try caller.requireChangingComputes()
        let now = cloud.clock.nowMs
        let compute = try await cloud.database.write { sql in
            let compute = try GetCompute.find(id, caller, sql)
            guard compute.intent != .destroyed else { return compute }
            try sql.computes.set(id, state: .destroying, intent: .destroyed, nowMs: now)
            // Only the due time: the step belongs to whoever holds the lease, and gives way to the intent.
            try sql.jobs.schedule(id, dueAtMs: now)
            try sql.events.append(
                Event(
                    computeId: id, teamId: caller.teamId, kind: "compute.delete.requested",
                    actor: .key(caller.keyId),
                    requestId: requestId),
                nowMs: now)
            return try GetCompute.find(id, caller, sql)
        }
        cloud.wake()
        return compute
    }
}

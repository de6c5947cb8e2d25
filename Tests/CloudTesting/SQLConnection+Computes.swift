import CloudCore
import CloudDatabase
import CloudVerbs

extension SQLConnection {
    /// Inserts a compute, which gets the next id, and no job. Returns the id.
    public func insertCompute(_ new: NewCompute, nowMs: Int64) throws -> Int64 {
        let id = try resources.insert(.compute, teamId: new.teamId, nowMs: nowMs)
        try computes.insert(id, new, nowMs: nowMs)
        return id
    }

    /// Sets state and intent of a compute, and all that follows from them.
    public func setState(_ id: Int64, state: ComputeState, intent: ComputeIntent, nowMs: Int64) throws {
        guard let compute = try computes.get(id) else { throw CloudError.bug("there is no compute \(id)") }
        try computeVerbs.set(compute, state: state, intent: intent, nowMs: nowMs)
    }
}

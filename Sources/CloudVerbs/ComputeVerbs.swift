import CloudCore
import CloudDatabase

extension SQLConnection {
    public var computeVerbs: ComputeVerbs { ComputeVerbs(sql: self) }
}

/// Changes of a compute that take several rows, each a part of its caller's transaction.
public struct ComputeVerbs {
    let sql: any SQLConnection

    /// Sets state and intent. The compute's tags and meter, and its team's totals, follow.
    public func set(_ compute: Compute, state: ComputeState, intent: ComputeIntent, nowMs: Int64) throws {
        try sql.totals.leave(compute.id)
        try sql.computes.set(compute.id, state: state, intent: intent, nowMs: nowMs)
        try sql.totals.enter(compute.id)
        try sql.meters.follow(compute.id, state.billing, nowMs: nowMs)
        sql.tell(.team(compute.teamId))
    }

    /// Records that an action is wanted of the compute, which shows `state` until it is done, and by whom; the worker makes
    /// the machine follow. A move of its guest gives way, as long as it can.
    /// - Parameter detail: what the event says of it.
    public func begin(
        _ action: ComputeAction, _ compute: Compute, showing state: ComputeState, detail: String? = nil,
        by actor: Event.Actor, requestId: String? = nil, nowMs: Int64
    ) throws {
        if let intent = action.intent { try set(compute, state: state, intent: intent, nowMs: nowMs) }
        try sql.events.append(
            Event(
                resourceId: compute.id, teamId: compute.teamId, kind: action.requestedKind, detail: detail,
                actor: actor, requestId: requestId), nowMs: nowMs)
        guard !action.steps.isEmpty else { return }
        try sql.jobs.begin(action, compute.id, nowMs: nowMs)
        if let move = try sql.moves.get(computeId: compute.id) {
            try sql.moveVerbs.callOff(
                move, because: "its owner asked for '\(action.rawValue)' meanwhile", nowMs: nowMs)
        }
    }

    /// Begins to start a compute whose guest ran, by the cell's own doing, for this reason.
    public func startAgain(_ compute: Compute, since reason: String, nowMs: Int64) throws {
        try sql.computes.set(compute.id, failure: nil)
        try begin(.start, compute, showing: .starting, detail: reason, by: .system, nowMs: nowMs)
    }

    /// Gives back every address and port of the compute, and what it takes of its host.
    public func release(_ compute: Compute, nowMs: Int64) throws {
        try sql.hosts.giveRoomBack(computeId: compute.id)
        try sql.addresses.giveBack(of: compute.id, nowMs: nowMs)
        try sql.computes.releaseAddresses(compute.id)
    }

    /// Appends an event of the cell's own doing.
    public func append(_ kind: String, _ detail: String?, _ compute: Compute, nowMs: Int64) throws {
        try sql.events.append(
            Event(resourceId: compute.id, teamId: compute.teamId, kind: kind, detail: detail, actor: .system),
            nowMs: nowMs)
    }
}

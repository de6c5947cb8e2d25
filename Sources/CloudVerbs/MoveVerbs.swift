import CloudCore
import CloudDatabase

extension SQLConnection {
    public var moveVerbs: MoveVerbs { MoveVerbs(sql: self) }
}

/// Changes of a move that take several rows, each a part of its caller's transaction.
public struct MoveVerbs {
    let sql: any SQLConnection

    /// Begins a move of the compute from its host, whose room at its destination is taken. The compute's job waits for it.
    public func begin(_ compute: Compute, from sourceId: Int64, to destinationId: Int64, nowMs: Int64) throws
        -> Move
    {
        let move = Move(
            id: try sql.resources.insert(.move, teamId: compute.teamId, nowMs: nowMs), computeId: compute.id,
            sourceId: sourceId, destinationId: destinationId, room: compute.resources, begunAtMs: nowMs)
        try sql.moves.insert(move)
        try sql.jobs.insert(
            move.id, .move, MoveAction.move, machineId: compute.id, hostId: sourceId, nowMs: nowMs)
        try sql.jobs.hold(compute.id, for: move.id)
        return move
    }

    /// Lets the rows follow the move's job, which has come to this step: which host the compute is on, whose step it is,
    /// and whether the compute's job goes on.
    public func enter(_ step: MoveStep, _ move: Move, nowMs: Int64) throws {
        if step.home != move.step.home { try sql.hosts.move(move.computeId, to: move.host(step.home)) }
        try sql.jobs.give(move.id, to: move.host(step.side))
        try sql.jobs.schedule(move.id, dueAtMs: nowMs)
        if move.step.holdsJob, !step.holdsJob { try sql.jobs.letGo(move.computeId, nowMs: nowMs) }
    }

    /// Calls the move off, unless the guest may have gone on at its destination: that is for the move to end. Whoever works
    /// on it now saves nothing any more.
    /// - Parameter side: the host that clears up first, since the other may be away.
    public func callOff(
        _ move: Move, because reason: String, first side: MoveSide = .source, nowMs: Int64
    ) throws {
        guard move.step.mayBeCancelled || (move.step == .abandoned && side == .source) else { return }
        if move.step.mayBeCancelled {
            try append("compute.move.failed", reason, move, nowMs: nowMs)
            try sql.moves.set(move.id, failure: reason)
        }
        // Nothing of it is on any host yet.
        guard move.step != .departure else { return try end(move, nowMs: nowMs) }
        let (action, step) =
            switch side {
            case .source: (MoveAction.callOff, MoveStep.cancelled)
            case .destination: (.abandon, .abandoned)
            }
        try sql.jobs.set(move.id, action: action)
        try sql.jobs.move(move.id, to: step, nowMs: nowMs)
        try enter(step, move, nowMs: nowMs)
    }

    /// Ends the move, and gives back the room on the host that is not the compute's.
    public func end(_ move: Move, nowMs: Int64) throws {
        try sql.moves.remove(move.id)
        try sql.jobs.remove(move.id)
        try sql.resources.remove(move.id)
        try sql.hosts.giveBack(move.otherHostId, move.room)
        if move.step.holdsJob { try sql.jobs.letGo(move.computeId, nowMs: nowMs) }
    }

    /// Appends an event of the move's to those of its compute.
    public func append(_ kind: String, _ detail: String?, _ move: Move, nowMs: Int64) throws {
        guard let teamId = try sql.computes.get(move.computeId)?.teamId else { return }
        try sql.events.append(
            Event(resourceId: move.computeId, teamId: teamId, kind: kind, detail: detail, actor: .system),
            nowMs: nowMs)
    }
}

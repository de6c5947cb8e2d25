import CloudCore
import CloudDatabase

/// Saves what came of a phase of a move, and the rows that it changes, in one transaction, if the move is still in that
/// phase and the host still the worker's own.
struct SaveMove: Sendable {
    let claim: HostClaim
    /// As it was when the host was called.
    let move: Move
    let outcome: MoveOutcome
    let nowMs: Int64

    func run(_ sql: any SQLConnection) throws {
        let hostId = try claim.check(sql)
        guard let present = try sql.moves.get(move.computeId), present.phase == move.phase,
            present.begunAtMs == move.begunAtMs, let side = present.side(of: hostId)
        else { return }
        try save(present, side, sql)
    }

    private func save(_ present: Move, _ side: MoveSide, _ sql: any SQLConnection) throws {
        var move = present
        switch outcome {
        case .departs(let departure):
            move.departure = departure
            try sql.moves.set(move, phase: .arrival, nowMs: nowMs)
        case .awaited(let arrival):
            move.arrival = arrival
            if let image = try sql.computes.get(move.computeId)?.image {
                try sql.hosts.noteImage(image, hostId: move.destinationId)
            }
            try sql.moves.set(move, phase: .copy, nowMs: nowMs)
        case .switched: try go(move, to: .switched, sql)
        case .arrived:
            try go(move, to: .leaving, sql)
            try append("compute.moved", nil, sql)
        case .refused(let reason):
            move.failure = reason
            try go(move, to: .refused, sql)
        case .settled: try settle(move, side, sql)
        case .wait(let progress, let milliseconds):
            try sql.moves.set(
                move.computeId, progress: progress ?? move.progress, dueAtMs: nowMs + milliseconds)
        case .cancel(let reason):
            // The owner may have asked for something at the last moment, and the guest may have gone by itself.
            guard move.phase.mayBeCancelled else { return }
            move.failure = reason
            try go(move, to: move.phase.cancelled, sql)
            try append("compute.move.failed", reason, sql)
        }
    }

    private func settle(_ move: Move, _ side: MoveSide, _ sql: any SQLConnection) throws {
        if move.phase == .refused {
            try go(move, to: .withdrawn, sql)
            try append("compute.move.failed", move.failure, sql)
        } else {
            try go(move, to: move.phase.settled(by: side), sql)
        }
    }

    /// - Parameter phase: `nil`: the move is over.
    private func go(_ move: Move, to phase: MovePhase?, _ sql: any SQLConnection) throws {
        if let phase {
            try sql.moves.set(move, phase: phase, nowMs: nowMs)
            if phase.home != move.phase.home {
                try sql.hosts.move(move.computeId, to: move.host(phase.home))
            }
        } else {
            try sql.moves.end(move)
        }
        // Whatever has befallen the machine meanwhile is the job's to see.
        if move.phase.holdsJob, phase?.holdsJob != true {
            try sql.jobs.schedule(move.computeId, dueAtMs: nowMs)
        }
    }

    private func append(_ kind: String, _ detail: String?, _ sql: any SQLConnection) throws {
        guard let teamId = try sql.computes.get(move.computeId)?.teamId else { return }
        try sql.events.append(
            Event(
                computeId: move.computeId, teamId: teamId, kind: kind, detail: detail, actor: .system),
            nowMs: nowMs)
    }
}

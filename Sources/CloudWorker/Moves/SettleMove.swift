import CloudCore
import CloudDatabase
import CloudMachines
import CloudVerbs
import Logging

/// A move with all that its calls need of other rows.
struct MoveSubject: WorkflowSubject {
    var move: Move
    /// As it is; deleted, perhaps, where its other host still clears up.
    private(set) var compute: Compute
    /// `MovingHost.moveCertificate` of each host that has one.
    private var certificates: [MoveSide: String] = [:]
    /// Until when a worker has the compute's job; `nil`: nobody has it.
    var jobLeasedUntilMs: Int64?

    /// What is moved. Throws once the compute has given its address back.
    var machine: Machine { get throws { try Machine(compute) } }

    var id: Int64 { move.id }
    var job: Job<MoveAction> { move.job }
    var label: Logger.Metadata { ["compute": "\(move.computeId)", "move": "\(move.id)"] }

    init(_ move: Move, _ sql: any SQLConnection) throws {
        guard let compute = try sql.computes.get(move.computeId) else {
            throw CloudError.bug("move without compute \(move.computeId)")
        }
        self.move = move
        self.compute = compute
        for side in MoveSide.allCases {
            certificates[side] = try sql.hosts.get(move.host(side))?.moveCertificate
        }
        jobLeasedUntilMs = try sql.jobs.leasedUntilMs(move.computeId)
    }

    /// By which the other host knows this one. Throws `SERVICE_UNAVAILABLE` where there is none.
    func certificate(of side: MoveSide) throws -> String {
        guard let certificate = certificates[side] else {
            throw CloudError(
                .serviceUnavailable, "The host \(move.host(side)) has no certificate for moves any more.")
        }
        return certificate
    }
}

/// What a call of a host in a move may find.
enum MoveNews: Sendable, Equatable, CustomStringConvertible {
    /// What the source says that its destination must know, as JSON.
    case departs(String)
    /// What the destination says that its source must know, as JSON.
    case awaited(String)
    /// The destination can't let the guest go on, for this reason.
    case refused(String)
    /// The guest has run at its destination after all.
    case arrived

    /// For labels.
    var description: String {
        switch self {
        case .departs, .awaited, .arrived: "advance"
        case .refused: "fail"
        }
    }
}

/// What an outcome means for the rows of a move.
extension MoveWorkflow: Workflow {
    static let kind = ResourceKind.move
    static let followsSteps = true

    static func write(of step: MoveStep) -> DurableWrite { .outcome(of: step) }

    func find(_ id: Int64, _ sql: any SQLConnection) throws -> MoveSubject? {
        try sql.moves.get(id).map { try MoveSubject($0, sql) }
    }

    func enter(_ step: MoveStep, _ subject: MoveSubject, _ turn: Turn) throws {
        try turn.sql.moveVerbs.enter(step, subject.move, nowMs: turn.nowMs)
        switch step {
        case .leaving:
            try turn.sql.moveVerbs.append("compute.moved", nil, subject.move, nowMs: turn.nowMs)
        case .withdrawn where subject.job.action == .takeBack:
            try turn.sql.moveVerbs.append(
                "compute.move.failed", subject.move.failure, subject.move, nowMs: turn.nowMs)
        case .departure, .arrival, .copy, .switched, .refused, .cancelled, .abandoned, .returned, .withdrawn:
            break
        }
    }

    func complete(_ subject: MoveSubject, _ turn: Turn) throws -> Turnout<MoveAction> {
        try turn.sql.moveVerbs.end(subject.move, nowMs: turn.nowMs)
        return .over
    }

    func settle(_ news: MoveNews, _ subject: MoveSubject, _ turn: Turn) throws -> Turnout<MoveAction> {
        switch news {
        case .departs(let departure):
            try turn.sql.moves.set(subject.id, departure: departure)
            return .next
        case .awaited(let arrival):
            try turn.sql.moves.set(subject.id, arrival: arrival)
            try turn.sql.hosts.noteImage(subject.compute.imageKey, hostId: turn.hostId)
            return .next
        case .refused(let reason):
            try turn.sql.moves.set(subject.id, failure: reason)
            return .begin(.takeBack, at: nil)
        case .arrived: return .begin(.move, at: .leaving)
        }
    }

    func fail(
        _ subject: MoveSubject, _ failure: ComputeFailure, _ turn: Turn
    ) throws -> Turnout<MoveAction> {
        logger.warning(
            "A move is called off.", metadata: subject.label.merging(["reason": "\(failure.message)"]) { $1 })
        try turn.sql.moveVerbs.callOff(
            subject.move, because: failure.message, first: subject.move.step.side, nowMs: turn.nowMs)
        return .over
    }

    func giveUp(_ subject: MoveSubject, late: String, _ turn: Turn) throws -> Turnout<MoveAction> {
        throw CloudError.bug("a step of a move has no deadline of its own: \(late)")
    }
}

import CloudCore
import CloudDatabase

/// Saves what a step decided, and the rows that it changed, in one transaction, if the lease is still held
/// and the host still the worker's own.
struct SaveOutcome<Kind: Workflow>: Sendable {
    let workflow: Kind
    let claim: HostClaim
    /// What was run.
    let walk: StepWalk<Kind.Subject>
    /// What the last step of the walk decided.
    let outcome: StepOutcome<Kind.News>
    let owner: String
    let nowMs: Int64
    let leaseUntilMs: Int64
    /// Milliseconds until a failed step is tried again.
    let backoffMs: Int64

    private var id: Int64 { walk.subject.id }
    private var step: Kind.Step { walk.step }

    func run(_ sql: any SQLConnection) throws -> NextTurn {
        let turn = Turn(sql: sql, hostId: try claim.check(sql), nowMs: nowMs)
        guard try sql.jobs.renew(id, owner: owner, untilMs: leaseUntilMs) else { return .leave }
        let ended = outcome.isDone ? walk.steps : walk.steps.dropLast()
        if !ended.isEmpty { try workflow.note(ended, walk.subject, turn) }
        if outcome.isDone, !Kind.followsSteps, let next = walk.next {
            try sql.jobs.move(id, to: next, nowMs: nowMs)
            return .goOn
        }
        if walk.steps.count > 1 { try sql.jobs.move(id, to: step, nowMs: nowMs) }
        guard let subject = try workflow.find(id, sql) else {
            throw CloudError.bug("a job without its \(Kind.kind.rawValue) \(id)")
        }
        let next = try save(subject, turn)
        if next == .leave { try sql.jobs.release(id) }
        return next
    }

    private func save(_ subject: Kind.Subject, _ turn: Turn) throws -> NextTurn {
        switch outcome {
        case .done: return try follow(.next, subject, turn)
        case .superseded: return try go(to: subject.job.dueStep, subject, turn)
        case .wait(let milliseconds, let note):
            return try wait(milliseconds, note, subject, turn)
        case .retry(let note, let detail):
            try turn.sql.jobs.countAttempt(id)
            if let detail { try turn.sql.jobs.set(id, detail: detail) }
            return try wait(backoffMs, note, subject, turn)
        case .rest: return try follow(.rest, subject, turn)
        case .fail(let failure):
            return try follow(try workflow.fail(subject, failure, turn), subject, turn)
        case .news(let news):
            return try follow(try workflow.settle(news, subject, turn), subject, turn)
        }
    }

    private func follow(
        _ turnout: Turnout<Kind.Action>, _ subject: Kind.Subject, _ turn: Turn
    ) throws -> NextTurn {
        switch turnout {
        case .next:
            // An action that was asked for meanwhile goes first.
            guard subject.job.dueStep == step else { return try go(to: subject.job.dueStep, subject, turn) }
            guard let next = subject.job.action.step(after: step) else {
                return try follow(try workflow.complete(subject, turn), subject, turn)
            }
            return try go(to: next, subject, turn)
        case .begin(let action, let step):
            try turn.sql.jobs.set(id, action: action)
            return try go(to: step ?? action.step(from: self.step), subject, turn)
        case .restAt(let action):
            try turn.sql.jobs.set(id, action: action)
            _ = try go(to: action.step(from: step), subject, turn)
            try turn.sql.jobs.schedule(id, dueAtMs: nil)
            return .leave
        case .rest:
            // An action that was asked for meanwhile wants its step at once.
            try turn.sql.jobs.schedule(id, dueAtMs: subject.job.dueStep == step ? nil : nowMs)
            return .leave
        case .wait(let milliseconds, let note): return try wait(milliseconds, note, subject, turn)
        case .again: return .goOn
        case .over: return .leave
        }
    }

    /// - Parameter next: the step to go to. When it is the present step, its time and its attempts begin again.
    private func go(to next: Kind.Step, _ subject: Kind.Subject, _ turn: Turn) throws -> NextTurn {
        try turn.sql.jobs.move(id, to: next, nowMs: nowMs)
        try workflow.enter(next, subject, turn)
        return .goOn
    }

    private func wait(
        _ milliseconds: Int64, _ note: String?, _ subject: Kind.Subject, _ turn: Turn
    ) throws -> NextTurn {
        let job = subject.job
        if let deadlineMs = job.action.deadlineMs(of: step), nowMs - job.sinceMs >= deadlineMs {
            let reason = note.map { ": \($0)" } ?? ""
            let late = "The step '\(step.rawValue)' did not finish within \(deadlineMs / 1000) s\(reason)."
            return try follow(try workflow.giveUp(subject, late: late, turn), subject, turn)
        }
        try turn.sql.jobs.set(id, note: note)
        try turn.sql.jobs.schedule(
            id, dueAtMs: job.dueStep == step ? nowMs + milliseconds : nowMs)
        return .leave
    }
}

/// What the worker does next with a job.
enum NextTurn: Sendable, Equatable {
    /// The lease is renewed; run the job's next step.
    case goOn
    /// The lease is given back, or was lost.
    case leave
}

import CloudCore
import CloudDatabase
import Logging

/// What the engine must know of a kind of resource to bring its jobs from step to step. The engine leases, walks, limits,
/// backs off, lets a new action go first, and saves; what a step does on the host, and what its outcome means for the
/// rows, is the kind's.
protocol Workflow: Sendable {
    /// What a step is told: the resource's rows, as they are when the step begins.
    associatedtype Subject: WorkflowSubject
    /// What a step may find besides being done or not, for the rows to say.
    associatedtype News: Sendable
    typealias Action = Subject.Action
    typealias Step = Action.Step

    static var kind: ResourceKind { get }

    /// Whether rows of the kind follow each step (`enter`). Where none do, a step that is done is saved without a look at
    /// the rows.
    static var followsSteps: Bool { get }

    /// The name of the write that saves what this step decided.
    static func write(of step: Step) -> DurableWrite

    /// The resource's rows; `nil`: it is gone.
    func find(_ id: Int64, _ sql: any SQLConnection) throws -> Subject?

    /// Does the step on the host, and never changes the database. Throws what is to be tried again.
    func run(_ step: Step, _ subject: Subject, nowMs: Int64) async throws -> StepOutcome<News>

    // MARK: In the transaction that saves what became of a step

    /// These steps have ended, and all but the last have led on.
    func note(_ steps: [Step], _ subject: Subject, _ turn: Turn) throws

    /// The job comes to another step of the action; it is there already.
    func enter(_ step: Step, _ subject: Subject, _ turn: Turn) throws

    /// The last step of the resource's action is done.
    func complete(_ subject: Subject, _ turn: Turn) throws -> Turnout<Action>

    /// A step of the action can't be done, for this reason.
    func fail(_ subject: Subject, _ failure: ComputeFailure, _ turn: Turn) throws -> Turnout<Action>

    /// The step is past its deadline.
    /// - Parameter late: a sentence that says so.
    func giveUp(_ subject: Subject, late: String, _ turn: Turn) throws -> Turnout<Action>

    /// A step has found this.
    func settle(_ news: News, _ subject: Subject, _ turn: Turn) throws -> Turnout<Action>

    // MARK: Afterwards

    /// The steps have ended or were given up, and what came of them is saved or can't be.
    func left(_ steps: [Step], _ subject: Subject)

    /// What became of the action's last step was saved.
    func completed(_ subject: Subject, nowMs: Int64)
}

extension Workflow {
    static var followsSteps: Bool { false }
    func note(_ steps: [Step], _ subject: Subject, _ turn: Turn) throws {}
    func enter(_ step: Step, _ subject: Subject, _ turn: Turn) throws {}
    func left(_ steps: [Step], _ subject: Subject) {}
    func completed(_ subject: Subject, nowMs: Int64) {}
}

/// The rows of a resource that has a job.
protocol WorkflowSubject: Sendable {
    associatedtype Action: JobAction

    var id: Int64 { get }
    var job: Job<Action> { get }
    /// What the log tells it by.
    var label: Logger.Metadata { get }
}

/// The transaction that saves what became of a step.
struct Turn {
    var sql: any SQLConnection
    /// The worker's own.
    var hostId: Int64
    var nowMs: Int64
}

/// How a job goes on.
enum Turnout<Action: JobAction>: Sendable {
    /// With the step that follows on the action's way.
    case next
    /// With this action, at the step, or at its first; at once.
    case begin(Action, at: Action.Step?)
    /// With this action, whose first step is due when somebody makes it due.
    case restAt(Action)
    /// With the same step, when somebody makes it due.
    case rest
    /// The same step runs again after this time. The note tells the owner what it waits for.
    case wait(milliseconds: Int64, note: String?)
    /// With the same step, at once.
    case again
    /// Not at all: the job is gone.
    case over
}

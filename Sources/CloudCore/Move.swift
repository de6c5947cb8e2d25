/// A compute's move from one host to another while its guest runs, as the database has it. There is one at most of each
/// compute, and none once it is over.
public struct Move: Sendable, Equatable {
    public var id: Int64
    public var computeId: Int64
    public var sourceId: Int64
    public var destinationId: Int64
    /// What the hosts said that the other one must know, as JSON.
    public var departure: String?
    public var arrival: String?
    /// Why it was called off.
    public var failure: String?
    /// Kept on the host that is not the compute's.
    public var room: Resources
    public var begunAtMs: Int64
    public var job: Job<MoveAction>

    /// How long a move may take until the guest switches, in milliseconds.
    public static let limitMs: Int64 = 30 * 60_000

    public init(
        id: Int64 = 0, computeId: Int64, sourceId: Int64, destinationId: Int64, room: Resources,
        begunAtMs: Int64
    ) {
        self.id = id
        self.computeId = computeId
        self.sourceId = sourceId
        self.destinationId = destinationId
        self.room = room
        self.begunAtMs = begunAtMs
        job = Job(.move, .departure, sinceMs: begunAtMs)
    }

    public var step: MoveStep { job.step }

    /// When it is called off unless the guest has switched.
    public var deadlineMs: Int64 { begunAtMs + Self.limitMs }

    public func host(_ side: MoveSide) -> Int64 {
        switch side {
        case .source: sourceId
        case .destination: destinationId
        }
    }

    /// The side of the host in it; `nil`: none.
    public func side(of hostId: Int64) -> MoveSide? { MoveSide.allCases.first { host($0) == hostId } }

    /// The host that is not the compute's.
    public var otherHostId: Int64 { host(step.home == .source ? .destination : .source) }

    /// Why it is called off by the time; `nil`: it is not late, or can't be called off any more.
    public func lateReason(nowMs: Int64) -> String? {
        guard step.mayBeCancelled, deadlineMs <= nowMs else { return nil }
        return "it did not end within \(Self.limitMs / 60_000) minutes\(job.note.map { " (\($0))" } ?? "")"
    }
}

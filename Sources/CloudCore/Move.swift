/// A compute's move from one host to another while its guest runs, as the database has it. There is one at most of each
/// compute, and none once it is over.
public struct Move: Sendable, Equatable {
    public var computeId: Int64
    public var sourceId: Int64
    public var destinationId: Int64
    public var phase: MovePhase
    /// When the phase began.
    public var sinceMs: Int64
    /// What the hosts said that the other one must know, as JSON.
    public var departure: String?
    public var arrival: String?
    /// How far it is, in words for the operator.
    public var progress: String?
    /// Why it was called off.
    public var failure: String?
    /// Kept on the host that is not the compute's.
    public var room: Resources
    public var begunAtMs: Int64
    /// When it is called off unless the guest has switched.
    public var deadlineMs: Int64
    /// When somebody acts on it next.
    public var dueAtMs: Int64
    /// What the owner asks of the compute meanwhile.
    public var action: ComputeAction?
    /// Until when a worker has the compute's job.
    public var leaseUntilMs: Int64?

    /// How long a move may take until the guest switches, in milliseconds.
    public static let limitMs: Int64 = 30 * 60_000

    public init(
        computeId: Int64, sourceId: Int64, destinationId: Int64, phase: MovePhase = .departure,
        room: Resources, begunAtMs: Int64
    ) {
        self.computeId = computeId
        self.sourceId = sourceId
        self.destinationId = destinationId
        self.phase = phase
        self.room = room
        self.begunAtMs = begunAtMs
        sinceMs = begunAtMs
        dueAtMs = begunAtMs
        deadlineMs = begunAtMs + Self.limitMs
    }

    public func host(_ side: MoveSide) -> Int64 {
        switch side {
        case .source: sourceId
        case .destination: destinationId
        }
    }

    /// The side of the host in it; `nil`: none.
    public func side(of hostId: Int64) -> MoveSide? { MoveSide.allCases.first { host($0) == hostId } }

    /// The host that is not the compute's.
    public var otherHostId: Int64 { host(phase.home == .source ? .destination : .source) }

    /// What a host does now.
    public enum Act: Sendable, Equatable {
        /// The call of the present phase.
        case goOn
        case cancel(String)
    }

    /// What the host of that side does now; `nil`: nothing. Either host may call it off, since the other may be down.
    public func act(of side: MoveSide, nowMs: Int64) -> Act? {
        if phase.mayBeCancelled, let reason = cancelReason(nowMs: nowMs) { return .cancel(reason) }
        guard phase.actors.contains(side), dueAtMs <= nowMs else { return nil }
        // A step that the job has begun comes to its end first; it gets no other one.
        if phase == .departure, let leaseUntilMs, leaseUntilMs > nowMs { return nil }
        return .goOn
    }

    /// When the host of that side has something to do; `nil`: when something else has changed.
    public func nextMs(of side: MoveSide) -> Int64? {
        var times = phase.mayBeCancelled ? [action == nil ? deadlineMs : begunAtMs] : []
        if phase.actors.contains(side) {
            times.append(phase == .departure ? max(dueAtMs, leaseUntilMs ?? dueAtMs) : dueAtMs)
        }
        return times.min()
    }

    /// The owner goes first.
    private func cancelReason(nowMs: Int64) -> String? {
        if let action { return "its owner asked for '\(action.rawValue)' meanwhile" }
        guard deadlineMs <= nowMs else { return nil }
        return "it did not end within \(Self.limitMs / 60_000) minutes\(progress.map { " (\($0))" } ?? "")"
    }
}

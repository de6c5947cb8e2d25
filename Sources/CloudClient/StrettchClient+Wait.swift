import CloudWire

/// How often and for how long a compute is looked at.
public struct WaitBounds: Sendable, Equatable {
    public var timeout: Duration
    /// The default leaves half of the reference's two requests a second to others with the same key.
    public var interval: Duration

    public init(timeout: Duration, interval: Duration = .seconds(1)) {
        self.timeout = timeout
        self.interval = interval
    }
}

/// How waiting for a compute ended.
public enum WaitOutcome: Sendable, Equatable {
    /// What was waited for. The compute is `nil` when there is none any more.
    case reached(ComputeWire?)
    /// The time was up; the compute as it was last seen.
    case timedOut(ComputeWire?)
}

extension StrettchClient {
    /// The longest that the server is asked to hold one look, in seconds: what it shows of the work is no older.
    static let holdSeconds: Int64 = 2

    /// Looks at the compute until `isReached` says so, or the time is up: one look at a time, and no two closer than the
    /// bounds' interval.
    ///
    /// - Parameters:
    ///   - states: the server is asked to answer as soon as the compute is in one of them; one that can't is simply
    ///     asked again and again.
    ///   - isReached: decides by the compute, or `nil` when the server does not know it any more.
    ///   - onLook: called after each look, with the time since the first.
    public func wait(
        id: String, bounds: WaitBounds, for states: [String] = [], until isReached: (ComputeWire?) -> Bool,
        onLook: (ComputeWire?, Duration) -> Void
    ) async throws -> WaitOutcome {
        try await wait(
            id: id, bounds: bounds, clock: options.clock, for: states, until: isReached, onLook: onLook)
    }

    private func wait<C: Clock>(
        id: String, bounds: WaitBounds, clock: C, for states: [String],
        until isReached: (ComputeWire?) -> Bool,
        onLook: (ComputeWire?, Duration) -> Void
    ) async throws -> WaitOutcome where C.Duration == Duration {
        let start = clock.now
        var look = start
        var first = true
        while true {
            let left = bounds.timeout - start.duration(to: look)
            // The first look is not held, so that there is something to show.
            let compute = try await computeIfAny(id: id, for: first ? [] : states, atMost: left)
            first = false
            let elapsed = start.duration(to: clock.now)
            onLook(compute, elapsed)
            if isReached(compute) { return .reached(compute) }
            if elapsed >= bounds.timeout { return .timedOut(compute) }
            let next = min(look.advanced(by: bounds.interval), start.advanced(by: bounds.timeout))
            if next > clock.now { try await clock.sleep(until: next, tolerance: nil) }
            look = clock.now
        }
    }

    /// The compute, or `nil` for 404.
    private func computeIfAny(id: String, for states: [String], atMost left: Duration) async throws
        -> ComputeWire?
    {
        let seconds = min(Self.holdSeconds, left.components.seconds)
        do {
            guard !states.isEmpty, seconds >= 1 else { return try await compute(id: id).data }
            return try await compute(id: id, waitingFor: states, seconds: seconds).data
        } catch let error as ClientError where error.status == 404 && error.kind == .refused {
            return nil
        }
    }
}

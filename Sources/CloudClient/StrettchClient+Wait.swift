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
    /// Looks at the compute until `isReached` says so, or the time is up.
    ///
    /// - Parameters:
    ///   - isReached: decides by the compute, or `nil` when the server does not know it any more.
    ///   - onLook: called after each look, with the time since the first.
    public func wait(
        id: String, bounds: WaitBounds, until isReached: (ComputeWire?) -> Bool,
        onLook: (ComputeWire?, Duration) -> Void
    ) async throws -> WaitOutcome {
        try await wait(id: id, bounds: bounds, clock: options.clock, until: isReached, onLook: onLook)
    }

    private func wait<C: Clock>(
        id: String, bounds: WaitBounds, clock: C, until isReached: (ComputeWire?) -> Bool,
        onLook: (ComputeWire?, Duration) -> Void
    ) async throws -> WaitOutcome where C.Duration == Duration {
        let start = clock.now
        while true {
            let compute = try await computeIfAny(id: id)
            let elapsed = start.duration(to: clock.now)
            onLook(compute, elapsed)
            if isReached(compute) { return .reached(compute) }
            if elapsed >= bounds.timeout { return .timedOut(compute) }
            let pause = min(bounds.interval, bounds.timeout - elapsed)
            try await clock.sleep(until: clock.now.advanced(by: pause), tolerance: nil)
        }
    }

    /// The compute, or `nil` for 404.
    private func computeIfAny(id: String) async throws -> ComputeWire? {
        do {
            return try await compute(id: id).data
        } catch let error as ClientError where error.status == 404 && error.kind == .refused {
            return nil
        }
    }
}

import CloudWire

/// How often and for how long a resource is looked at.
public struct WaitBounds: Sendable, Equatable {
    public var timeout: Duration
    /// The default leaves half of the reference's two requests a second to others with the same key.
    public var interval: Duration

    public init(timeout: Duration, interval: Duration = .seconds(1)) {
        self.timeout = timeout
        self.interval = interval
    }
}

/// How waiting for a resource ended.
public enum WaitOutcome<Resource: LiveResourceWire>: Sendable, Equatable {
    /// What was waited for. The resource is `nil` when there is none any more.
    case reached(Resource?)
    /// The time was up; the resource as it was last seen.
    case timedOut(Resource?)
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
    ) async throws -> WaitOutcome<ComputeWire> {
        try await wait(
            bounds: bounds, clock: options.clock, for: states, until: isReached, onLook: onLook
        ) { seconds in
            guard let seconds else { return try await compute(id: id).data }
            return try await compute(id: id, waitingFor: states, seconds: seconds).data
        }
    }

    /// The same for a snapshot.
    public func waitForSnapshot(
        id: String, bounds: WaitBounds, for states: [String] = [], until isReached: (SnapshotWire?) -> Bool,
        onLook: (SnapshotWire?, Duration) -> Void
    ) async throws -> WaitOutcome<SnapshotWire> {
        try await wait(
            bounds: bounds, clock: options.clock, for: states, until: isReached, onLook: onLook
        ) { seconds in
            guard let seconds else { return try await snapshot(id: id).data }
            return try await snapshot(id: id, waitingFor: states, seconds: seconds).data
        }
    }

    /// The same for an image of the team's own.
    public func waitForImage(
        _ slug: String, bounds: WaitBounds, for states: [String] = [],
        until isReached: (TeamImageWire?) -> Bool,
        onLook: (TeamImageWire?, Duration) -> Void
    ) async throws -> WaitOutcome<TeamImageWire> {
        try await wait(
            bounds: bounds, clock: options.clock, for: states, until: isReached, onLook: onLook
        ) { seconds in
            try await teamImage(slug, waitingFor: states, seconds: seconds).data
        }
    }

    /// - Parameter look: asks for the resource, held by the server for that many seconds; `nil`: not at all.
    private func wait<Resource, C: Clock>(
        bounds: WaitBounds, clock: C, for states: [String], until isReached: (Resource?) -> Bool,
        onLook: (Resource?, Duration) -> Void, look ask: (_ seconds: Int64?) async throws -> Resource
    ) async throws -> WaitOutcome<Resource> where C.Duration == Duration {
        let start = clock.now
        var look = start
        var first = true
        while true {
            let left = bounds.timeout - start.duration(to: look)
            let seconds = min(Self.holdSeconds, left.components.seconds)
            // The first look is not held, so that there is something to show.
            let isHeld = !first && !states.isEmpty && seconds >= 1
            first = false
            let resource = try await Self.ifAny { try await ask(isHeld ? seconds : nil) }
            let elapsed = start.duration(to: clock.now)
            onLook(resource, elapsed)
            if isReached(resource) { return .reached(resource) }
            if elapsed >= bounds.timeout { return .timedOut(resource) }
            let next = min(look.advanced(by: bounds.interval), start.advanced(by: bounds.timeout))
            if next > clock.now { try await clock.sleep(until: next, tolerance: nil) }
            look = clock.now
        }
    }

    /// The resource, or `nil` for 404.
    private static func ifAny<Resource>(
        _ ask: () async throws -> Resource
    ) async throws -> Resource? {
        do {
            return try await ask()
        } catch let error as ClientError where error.status == 404 && error.kind == .refused {
            return nil
        }
    }
}

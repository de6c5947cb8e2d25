import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Where the time comes from. Tests and the simulation bring their own.
public protocol CloudClock: Sendable {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    var nowMs: Int64 { get }

    /// Returns after so long by this clock. Throws when the task is cancelled.
    func sleep(for duration: Duration) async throws
}

/// The host's real-time clock, without its jumps (`SteadyTime`).
public struct SystemClock: CloudClock {
    /// One for the whole process, so that all who ask agree.
    private static let time = Mutex(SteadyTime(wallNs: read(CLOCK_REALTIME), bootNs: read(sinceBoot)))

    #if canImport(Glibc)
        private static let sinceBoot = CLOCK_BOOTTIME
    #else
        private static let sinceBoot = CLOCK_MONOTONIC
    #endif

    public init() {}

    public var nowMs: Int64 {
        Self.time.withLock { time in
            time.read(wallNs: Self.read(CLOCK_REALTIME), bootNs: Self.read(Self.sinceBoot)) / 1_000_000
        }
    }

    public func sleep(for duration: Duration) async throws { try await Sleepers.shared.wait(for: duration) }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        // Safe: writes to the local alone; both clocks always exist.
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

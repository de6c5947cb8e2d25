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

/// The host's real-time clock.
public struct SystemClock: CloudClock {
    public init() {}

    public var nowMs: Int64 {
        var time = timespec()
        // Safe: writes to the local alone; CLOCK_REALTIME always exists.
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    public func sleep(for duration: Duration) async throws { try await Task.sleep(for: duration) }
}

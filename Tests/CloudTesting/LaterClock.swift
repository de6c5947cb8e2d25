import CloudCore

/// The real time and some more.
public struct LaterClock: CloudClock {
    private let laterMs: Int64

    public init(laterMs: Int64) { self.laterMs = laterMs }

    public var nowMs: Int64 { SystemClock().nowMs + laterMs }
    public func sleep(for duration: Duration) async throws { try await SystemClock().sleep(for: duration) }
}

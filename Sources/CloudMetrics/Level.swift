import Synchronization

/// How many there are now.
public final class Level: Sendable {
    private let name: String
    private let help: String
    private let count = Mutex(0)

    public init(_ name: String, help: String) {
        self.name = name
        self.help = help
    }

    /// Counts one more while `body` runs.
    public func during<T>(
        isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> T
    ) async rethrows -> T {
        count.withLock { $0 += 1 }
        defer { count.withLock { $0 -= 1 } }
        return try await body()
    }

    public func set(_ new: Int) { count.withLock { $0 = new } }

    public var family: MetricFamily { .gauge(name, help: help, count.withLock { $0 }) }
}

import CloudDatabase
import ServiceLifecycle

/// Wakes the worker when another program on the same database has committed something: what it was asked for may be the
/// worker's to do. Its own commits wake it too, which costs a look.
public struct WakeByChanges: Service {
    private let changes: Changes
    private let wake: Wake

    /// How long one wait lasts. There is no need for an end; a bound lets a test see that there is one.
    static let waitLimit = Duration.seconds(60)

    public init(changes: Changes, wake: Wake) {
        self.changes = changes
        self.wake = wake
    }

    /// Works until a graceful shutdown.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            var seen = changes.count
            while !Task.isCancelled {
                await changes.wait(after: seen, atMost: Self.waitLimit)
                let count = changes.count
                if count != seen { wake.signal() }
                seen = count
            }
        }
    }
}

import CloudCore
import Synchronization

/// Whether PostgreSQL can be reached. After a try that failed nobody tries again for a while, and everybody is told so at
/// once: a server without its database answers quickly.
final class PostgresReach: Sendable {
    private struct State {
        var failures = 0
        var error: CloudError?
        var nextTry = ContinuousClock.now
    }

    private let state = Mutex(State())

    /// The longest pause after the first failure. Each further one may be twice as long, up to `longestPauseMs`.
    static let firstPauseMs = 100.0
    static let longestPauseMs = 2000.0

    /// A new connection. Throws `SERVICE_UNAVAILABLE`: of an earlier try, as long as none is due.
    func connect(_ settings: PostgresSettings) throws -> PostgresClient {
        if let error = state.withLock({ $0.nextTry > .now ? $0.error : nil }) { throw error }
        do {
            let client = try PostgresClient(settings)
            state.withLock { $0 = State() }
            return client
        } catch {
            throw failed(CloudError.databaseAway("\(error)"))
        }
    }

    private func failed(_ error: CloudError) -> CloudError {
        state.withLock { state in
            let most = min(Self.longestPauseMs, Self.firstPauseMs * Double(1 << min(state.failures, 10)))
            state.failures += 1
            state.error = error
            state.nextTry = .now + .milliseconds(Double.random(in: most / 2...most))
            return error
        }
    }
}

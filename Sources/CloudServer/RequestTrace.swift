import Logging
import Synchronization

/// What becomes known of a request on its way inwards.
final class RequestTrace: Sendable {
    private let notes = Mutex<Logger.Metadata>([:])

    /// Notes a fact for the log: never a key, a secret or a body.
    func note(_ name: String, _ value: String) { notes.withLock { $0[name] = "\(value)" } }

    var metadata: Logger.Metadata { notes.withLock { $0 } }
}

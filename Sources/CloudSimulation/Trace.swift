import Synchronization

/// What happened in a history, line by line: simulated milliseconds, who, what. The same for the same history, byte for
/// byte.
final class Trace: Sendable {
    private let lines = Mutex<[String]>([])

    func add(_ line: String) { lines.withLock { $0.append(line) } }

    var text: String { lines.withLock { $0.map { $0 + "\n" }.joined() } }
}

import Synchronization

/// How far the work on an image is.
public struct ImageProgress: Sendable, Equatable {
    /// For the owner of a compute: `downloading, 120 of 600 MB`.
    public var text: String
    /// 0 to 1; `nil` when nobody knows.
    public var fraction: Double?

    public init(_ text: String, fraction: Double? = nil) {
        self.text = text
        self.fraction = fraction
    }

    /// Reads `PROGRESS <percent> <text>`; `nil` for any other line.
    init?(scriptLine line: String, mark: String) {
        guard line.hasPrefix(mark) else { return nil }
        let words = line.dropFirst(mark.count).split(separator: " ", maxSplits: 1)
        guard words.count == 2, let percent = Int(words[0]), (0...100).contains(percent) else { return nil }
        self.init("building: \(words[1])", fraction: Double(percent) / 100)
    }

    /// Bytes of a transfer, in units of 10^6 bytes.
    static func transfer(_ verb: String, _ done: Int64, of total: Int64?) -> ImageProgress {
        guard let total, total > 0 else { return ImageProgress("\(verb), \(done / 1_000_000) MB") }
        return ImageProgress(
            "\(verb), \(done / 1_000_000) of \(max(1, total / 1_000_000)) MB",
            fraction: min(1, Double(done) / Double(total)))
    }
}

/// The latest progress of one piece of work, and those who want to hear of it.
final class ProgressBoard: Sendable {
    private struct State {
        var latest: ImageProgress
        var observers: [@Sendable (ImageProgress) -> Void] = []
    }
    private let state: Mutex<State>

    init(_ first: ImageProgress) { state = Mutex(State(latest: first)) }

    var latest: ImageProgress { state.withLock { $0.latest } }

    /// Tells the observer the latest progress, and all that follows.
    func observe(_ observer: @escaping @Sendable (ImageProgress) -> Void) {
        let latest = state.withLock {
            $0.observers.append(observer)
            return $0.latest
        }
        observer(latest)
    }

    func report(_ progress: ImageProgress) {
        let observers = state.withLock {
            $0.latest = progress
            return $0.observers
        }
        for observer in observers { observer(progress) }
    }
}

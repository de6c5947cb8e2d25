import Synchronization

/// Counts what happens, by labels. It only grows.
public final class Counter: Sendable {
    private let name: String
    private let help: String
    private let labelNames: [String]
    private let counts: Mutex<[[String]: Double]>

    /// - Parameter labels: names of the labels; without any, the counter stands at 0 from the start.
    public init(_ name: String, help: String, labels: [String] = []) {
        self.name = name
        self.help = help
        labelNames = labels
        counts = Mutex(labels.isEmpty ? [[]: 0] : [:])
    }

    /// - Parameter labels: one value for each label, in their order.
    public func add(_ amount: Double = 1, _ labels: String...) {
        counts.withLock { $0[labels, default: 0] += amount }
    }

    public var family: MetricFamily {
        let counts = counts.withLock { $0 }
        return MetricFamily(
            name, .counter, help: help,
            samples: counts.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { values, count in
                .init(labels: zip(labelNames, values).map { .init($0, $1) }, value: count)
            })
    }
}

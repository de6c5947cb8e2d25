import Synchronization

/// How often something took how long, by labels.
public final class Histogram: Sendable {
    private let name: String
    private let help: String
    private let labelNames: [String]
    /// Upper bounds, growing; one without a bound follows.
    private let bounds: [Double]
    private let series = Mutex<[[String]: Series]>([:])

    private struct Series {
        /// Observations of each bucket alone, the one without a bound last.
        var counts: [UInt64]
        var sum = 0.0
    }

    /// - Parameters:
    ///   - labels: names of the labels.
    ///   - bounds: upper bounds of the buckets in seconds, growing.
    public init(_ name: String, help: String, labels: [String] = [], bounds: [Double]) {
        self.name = name
        self.help = help
        labelNames = labels
        self.bounds = bounds
    }

    /// - Parameter labels: one value for each label, in their order.
    public func observe(_ duration: Duration, _ labels: String...) {
        let seconds = duration / .seconds(1)
        let bucket = bounds.firstIndex { seconds <= $0 } ?? bounds.count
        series.withLock { series in
            func count(_ mine: inout Series) {
                mine.counts[bucket] += 1
                mine.sum += seconds
            }
            count(&series[labels, default: Series(counts: Array(repeating: 0, count: bounds.count + 1))])
        }
    }

    /// How many observations there were, by the same labels, as a counter of its own.
    public func counter(_ name: String, help: String) -> MetricFamily {
        let series = series.withLock { $0 }.sorted { $0.key.lexicographicallyPrecedes($1.key) }
        return MetricFamily(
            name, .counter, help: help,
            samples: series.map { values, mine in
                .init(
                    labels: zip(labelNames, values).map { .init($0, $1) },
                    value: Double(mine.counts.reduce(0, +)))
            })
    }

    public var family: MetricFamily {
        let series = series.withLock { $0 }.sorted { $0.key.lexicographicallyPrecedes($1.key) }
        return MetricFamily(
            name, .histogram, help: help, samples: series.flatMap { samples($0.key, $0.value) })
    }

    private func samples(_ values: [String], _ series: Series) -> [MetricFamily.Sample] {
        let labels = zip(labelNames, values).map { MetricFamily.Label($0, $1) }
        var total: UInt64 = 0
        let buckets = zip(bounds + [.infinity], series.counts).map { bound, count in
            total += count
            return MetricFamily.Sample(
                suffix: "_bucket", labels: labels + [.init("le", PrometheusText.number(bound))],
                value: Double(total))
        }
        return buckets + [
            .init(suffix: "_sum", labels: labels, value: series.sum),
            .init(suffix: "_count", labels: labels, value: Double(total)),
        ]
    }
}

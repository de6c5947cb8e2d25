/// All samples of one metric at one moment.
public struct MetricFamily: Sendable, Equatable {
    /// What a metric is, by the names of the exposition format.
    public enum Kind: String, Sendable {
        case counter, gauge, histogram
    }

    /// One line: a value and what it is of.
    public struct Sample: Sendable, Equatable {
        /// What follows the family's name: `_bucket`, `_sum` and `_count` of a histogram, else nothing.
        public var suffix: String
        public var labels: [Label]
        public var value: Double

        public init(suffix: String = "", labels: [Label] = [], value: Double) {
            self.suffix = suffix
            self.labels = labels
            self.value = value
        }
    }

    /// A name and its value. Values come from sets that the program knows, never from a client: each one lasts.
    public struct Label: Sendable, Hashable {
        public var name: String
        public var value: String

        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Letters, digits and underscores; the unit last (`_seconds`, `_bytes`), and `_total` behind a counter's.
    public var name: String
    public var help: String
    public var kind: Kind
    public var samples: [Sample]

    public init(_ name: String, _ kind: Kind, help: String, samples: [Sample]) {
        self.name = name
        self.help = help
        self.kind = kind
        self.samples = samples
    }

    /// A gauge with one value.
    public static func gauge(_ name: String, help: String, _ value: some BinaryInteger) -> MetricFamily {
        MetricFamily(name, .gauge, help: help, samples: [Sample(value: Double(value))])
    }
}

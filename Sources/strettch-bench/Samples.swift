/// What was measured of one thing: its values, in milliseconds unless the figure says otherwise.
struct Samples: Sendable {
    private(set) var values: [Double] = []

    mutating func add(_ value: Double) { values.append(value) }
    mutating func add(_ duration: Duration) { values.append(duration.milliseconds) }

    var count: Int { values.count }
    /// The middle value, or the mean of the middle two; 0 without values.
    var median: Double {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return 0 }
        return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }
    var smallest: Double { values.min() ?? 0 }
    var largest: Double { values.max() ?? 0 }

    /// The value that `percent` of all values do not exceed (nearest rank).
    func percentile(_ percent: Int) -> Double {
        guard !values.isEmpty else { return 0 }
        let rank = (values.count * percent + 99) / 100
        return values.sorted()[max(1, rank) - 1]
    }
}

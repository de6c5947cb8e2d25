import Foundation

/// One line of the report.
struct Figure: Codable, Sendable {
    var name: String
    var unit: String
    var runs: Int
    var median: Double
    var minimum: Double
    var maximum: Double
    /// Given where there are enough values for it to mean something.
    var p99: Double?
    /// What the median should be at most.
    var target: Double?
    var isMet: Bool?

    static let fewestForP99 = 100

    init(_ name: String, _ samples: Samples, unit: String = "ms", target: Double? = nil) {
        self.name = name
        self.unit = unit
        runs = samples.count
        median = samples.median
        minimum = samples.smallest
        maximum = samples.largest
        p99 = samples.count >= Self.fewestForP99 ? samples.percentile(99) : nil
        self.target = target
        isMet = target.map { samples.median <= $0 }
    }
}

/// All that a run found out.
struct Report: Codable, Sendable {
    var machine: MachineFacts
    var commit: String
    var build: String
    var figures: [Figure]

    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }

    func table() -> String {
        let head = ["", "median", "min", "max", "p99", "runs", "target"]
        let rows = [head] + figures.map(Self.cells)
        let widths = head.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        let lines = rows.map { row in
            zip(row, widths).enumerated().map { index, cell in
                let space = String(repeating: " ", count: cell.1 - cell.0.count)
                return index == 0 ? cell.0 + space : space + cell.0
            }.joined(separator: "  ")
        }
        return (machine.lines + ["commit \(commit), \(build) build", ""] + lines).joined(separator: "\n")
    }

    private static func cells(_ figure: Figure) -> [String] {
        let number = { (value: Double) in text(value, unit: figure.unit) }
        let target =
            if let target = figure.target, let isMet = figure.isMet {
                "≤ \(number(target)) \(isMet ? "met" : "MISSED")"
            } else {
                ""
            }
        return [
            figure.unit.isEmpty ? figure.name : "\(figure.name), \(figure.unit)", number(figure.median),
            number(figure.minimum), number(figure.maximum), figure.p99.map(number) ?? "", "\(figure.runs)",
            target,
        ]
    }

    /// Whole milliseconds are enough for what takes a second.
    private static func text(_ value: Double, unit: String) -> String {
        let digits = unit.isEmpty || value < 100 ? 2 : 0
        return value.formatted(.number.precision(.fractionLength(digits)).grouping(.never))
    }
}

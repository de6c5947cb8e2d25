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
    /// What the median should be.
    var target: FigureTarget?
    var isMet: Bool?

    static let fewestForP99 = 100

    init(_ name: String, _ samples: Samples, unit: String = "ms", target: FigureTarget? = nil) {
        self.name = name
        self.unit = unit
        runs = samples.count
        median = samples.median
        minimum = samples.smallest
        maximum = samples.largest
        p99 = samples.count >= Self.fewestForP99 ? samples.percentile(99) : nil
        self.target = target
        isMet = target?.isMet(by: samples.median)
    }
}

/// A bound of a figure, in its unit.
enum FigureTarget: Codable, Sendable {
    case atMost(Double)
    case atLeast(Double)

    func isMet(by value: Double) -> Bool {
        switch self {
        case .atMost(let bound): value <= bound
        case .atLeast(let bound): value >= bound
        }
    }
}

/// Figures whose values come one by one, in the order of the first of each.
struct FigureSeries {
    private struct Entry {
        var name: String
        var group: String
        var unit: String
        var target: FigureTarget?
        var samples = Samples()
    }

    private var entries: [Entry] = []

    /// - Parameter group: tells figures of the same name apart.
    mutating func add(
        _ name: String, of group: String = "", _ value: Double, unit: String = "ms",
        target: FigureTarget? = nil
    ) {
        let index = entries.firstIndex { $0.name == name && $0.group == group }
        if index == nil { entries.append(Entry(name: name, group: group, unit: unit, target: target)) }
        entries[index ?? entries.count - 1].samples.add(value)
    }

    var figures: [Figure] {
        entries.map { Figure($0.name, $0.samples, unit: $0.unit, target: $0.target) }
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
                "\(text(target, unit: figure.unit)) \(isMet ? "met" : "MISSED")"
            } else {
                ""
            }
        return [
            figure.unit.isEmpty ? figure.name : "\(figure.name), \(figure.unit)", number(figure.median),
            number(figure.minimum), number(figure.maximum), figure.p99.map(number) ?? "", "\(figure.runs)",
            target,
        ]
    }

    private static func text(_ target: FigureTarget, unit: String) -> String {
        switch target {
        case .atMost(let bound): "≤ \(text(bound, unit: unit))"
        case .atLeast(let bound): "≥ \(text(bound, unit: unit))"
        }
    }

    /// Whole milliseconds are enough for what takes a second.
    private static func text(_ value: Double, unit: String) -> String {
        let digits = unit.isEmpty || value < 100 ? 2 : 0
        return value.formatted(.number.precision(.fractionLength(digits)).grouping(.never))
    }
}

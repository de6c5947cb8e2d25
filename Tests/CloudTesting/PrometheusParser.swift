/// Reads the text exposition format 0.0.4 and accepts nothing that its grammar does not.
public struct PrometheusParser: Sendable {
    /// One line with a value.
    public struct Sample: Sendable, Equatable {
        public var name: String
        public var labels: [String: String]
        public var value: Double
    }

    /// What is wrong, and where.
    public struct Fault: Error, CustomStringConvertible {
        public var description: String
    }

    /// Types by family.
    public private(set) var types: [String: String] = [:]
    public private(set) var samples: [Sample] = []

    /// Throws `Fault` at the first line that is not as it must be: HELP and TYPE once for each family, before its samples
    /// and beside them; no sample twice; buckets cumulative, closed by `+Inf`, in agreement with sum and count.
    public init(parsing text: String) throws {
        guard text.hasSuffix("\n") else { throw Fault(description: "the last line has no line break") }
        var helped: Set<String> = []
        var family: String?
        for line in text.dropLast().split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("# ") {
                let words = line.split(separator: " ", maxSplits: 3).map(String.init)
                guard words.count == 4, Self.isName(words[2]) else { throw Self.fault(line) }
                switch words[1] {
                case "HELP":
                    guard helped.insert(words[2]).inserted else { throw Self.fault(line, "twice") }
                    family = words[2]
                case "TYPE":
                    guard types.updateValue(words[3], forKey: words[2]) == nil, family == words[2],
                        ["counter", "gauge", "histogram", "summary", "untyped"].contains(words[3])
                    else { throw Self.fault(line, "twice, or away from its HELP") }
                default: throw Self.fault(line)
                }
            } else {
                let sample = try Self.sample(line)
                guard let family, let type = types[family], Self.belongs(sample.name, family, type) else {
                    throw Self.fault(line, "not of the family before it")
                }
                guard !samples.contains(where: { $0.name == sample.name && $0.labels == sample.labels })
                else {
                    throw Self.fault(line, "twice")
                }
                samples.append(sample)
            }
        }
        for (family, type) in types where type == "histogram" { try checkHistogram(family) }
    }

    /// The value of the one sample with this name and these labels; `nil` when there is none.
    public func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
        samples.first { $0.name == name && $0.labels == labels }?.value
    }

    private static func belongs(_ name: String, _ family: String, _ type: String) -> Bool {
        type == "histogram"
            ? ["_bucket", "_sum", "_count"].contains { name == family + $0 } : name == family
    }

    private func checkHistogram(_ family: String) throws {
        let series = Dictionary(grouping: samples.filter { $0.name.hasPrefix(family + "_") }) { sample in
            sample.labels.filter { $0.key != "le" }
        }
        for (labels, samples) in series {
            let buckets = samples.filter { $0.name == family + "_bucket" }
            let bounds = try buckets.map { try Self.number($0.labels["le"] ?? "") }
            let counts = buckets.map(\.value)
            guard bounds == bounds.sorted(), bounds.last == .infinity, counts == counts.sorted(),
                value(family + "_count", labels) == counts.last, value(family + "_sum", labels) != nil
            else { throw Fault(description: "\(family) \(labels): \(bounds) \(counts)") }
        }
    }

    private static func sample(_ line: Substring) throws -> Sample {
        guard let match = line.wholeMatch(of: /([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)/) else {
            throw fault(line)
        }
        return Sample(
            name: String(match.1), labels: try labels(match.2 ?? ""), value: try number(String(match.3)))
    }

    private static func labels(_ text: Substring) throws -> [String: String] {
        var labels: [String: String] = [:]
        var rest = text
        while !rest.isEmpty {
            let pair = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/
            guard let match = rest.prefixMatch(of: pair), labels[String(match.1)] == nil else {
                throw fault(text, "labels")
            }
            labels[String(match.1)] = unescaped(match.2)
            rest = rest[match.range.upperBound...]
        }
        return labels
    }

    private static func unescaped(_ text: Substring) -> String {
        String(text.replacing(/\\(.)/) { $0.1 == "n" ? "\n" : String($0.1) })
    }

    private static func number(_ text: String) throws -> Double {
        switch text {
        case "+Inf": return .infinity
        case "-Inf": return -.infinity
        case "NaN": return .nan
        default:
            guard text.wholeMatch(of: /-?\d+(\.\d+)?([eE][+-]?\d+)?/) != nil, let value = Double(text) else {
                throw Fault(description: "'\(text)' is no number")
            }
            return value
        }
    }

    private static func isName(_ text: String) -> Bool {
        text.wholeMatch(of: /[a-zA-Z_:][a-zA-Z0-9_:]*/) != nil
    }

    private static func fault(_ line: Substring, _ why: String = "against the grammar") -> Fault {
        Fault(description: "\(why): \(line)")
    }
}

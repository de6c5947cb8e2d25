/// The text that Prometheus reads (exposition format 0.0.4).
public enum PrometheusText {
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    public static func render(_ families: [MetricFamily]) -> String {
        families.map(render).joined()
    }

    private static func render(_ family: MetricFamily) -> String {
        let head = """
            # HELP \(family.name) \(escaped(family.help, quotes: false))
            # TYPE \(family.name) \(family.kind.rawValue)

            """
        return head
            + family.samples.map { sample in
                "\(family.name)\(sample.suffix)\(labels(sample.labels)) \(number(sample.value))\n"
            }.joined()
    }

    private static func labels(_ labels: [MetricFamily.Label]) -> String {
        guard !labels.isEmpty else { return "" }
        let pairs = labels.map { "\($0.name)=\"\(escaped($0.value, quotes: true))\"" }
        return "{\(pairs.joined(separator: ","))}"
    }

    /// As Go writes floats: `+Inf`, `-Inf`, `NaN`; whole numbers without a fraction.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return Int64(exactly: value).map { "\($0)" } ?? "\(value)"
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        let plain = text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
        return quotes ? plain.replacing("\"", with: "\\\"") : plain
    }
}

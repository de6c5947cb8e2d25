import CloudTesting
import CloudWire
import FoundationEssentials
import Testing

@Suite("Times as the API writes them")
struct TimestampTests {
    /// Of the last second of the year 9999.
    private static let last: Int64 = 253_402_300_799

    private static func formatted(_ seconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
    }

    @Test("random seconds of the years 1970 to 9999 are what Foundation writes")
    func random() {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<100_000 {
            let ms = Int64.random(in: 0...(Self.last * 1000 + 999), using: &random)
            guard Timestamp.text(ms) != Self.formatted(ms / 1000) else { continue }
            Issue.record("\(ms): \(Timestamp.text(ms))")
        }
    }

    @Test("the first and last second of each day of 500 years are what Foundation writes")
    func days() {
        for day in Int64(0)..<(500 * 366) {
            for second in [day * 86400, day * 86400 + 86399] {
                guard Timestamp.text(second * 1000) != Self.formatted(second) else { continue }
                Issue.record("\(second): \(Timestamp.text(second * 1000))")
            }
        }
    }

    @Test("the fraction of a second is cut off, and the years end in 9999")
    func edges() {
        #expect(Timestamp.text(0) == "1970-01-01T00:00:00Z")
        #expect(Timestamp.text(1_705_312_800_999) == "2024-01-15T10:00:00Z")
        #expect(Timestamp.text(Self.last * 1000 + 999) == "9999-12-31T23:59:59Z")
    }
}

/// Days and months of the UTC calendar, in milliseconds since 1970-01-01T00:00:00Z. Times before 1970 don't occur.
public enum UTCDay {
    /// Leap seconds don't count, as in POSIX time.
    public static let milliseconds: Int64 = 86_400_000

    /// The midnight at or before `ms`.
    public static func start(_ ms: Int64) -> Int64 { ms - ms % milliseconds }

    /// The last midnight that lies before `ms`: whatever still happens does so after it.
    public static func lastMidnight(before ms: Int64) -> Int64 { start(ms - 1) }

    /// The day of `ms`: `2024-01-15`.
    public static func text(_ ms: Int64) -> String {
        let (_, _, day) = civil(ms)
        return "\(UTCMonth(containing: ms).text)-\(UTCMonth.pad(day, 2))"
    }

    /// Howard Hinnant's `civil_from_days`.
    static func civil(_ ms: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let z = ms / milliseconds + 719_468
        let era = z / 146_097
        let dayOfEra = z % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let m = (5 * dayOfYear + 2) / 153
        let month = m < 10 ? m + 3 : m - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * m + 2) / 5 + 1)
    }
}

/// A month of the UTC calendar.
public struct UTCMonth: Sendable, Equatable {
    /// Its first midnight.
    public let startMs: Int64

    public init(containing ms: Int64) {
        startMs = UTCDay.start(ms) - (UTCDay.civil(ms).day - 1) * UTCDay.milliseconds
    }

    /// No month is longer than 31 days, and none so short that they lead past the next.
    public var next: UTCMonth { UTCMonth(containing: startMs + 31 * UTCDay.milliseconds) }

    /// `2024-01`.
    public var text: String {
        let (year, month, _) = UTCDay.civil(startMs)
        return "\(Self.pad(year, 4))-\(Self.pad(month, 2))"
    }

    static func pad(_ value: Int64, _ width: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }
}

/// RFC 3339 timestamps in UTC with whole seconds, as the public API writes them: `2024-01-15T10:00:00Z`.
public enum Timestamp {
    private static let length = 20

    /// `milliseconds` since 1970-01-01T00:00:00Z, years 1970 to 9999; the fraction of a second is cut off.
    public static func text(_ milliseconds: Int64) -> String {
        let seconds = milliseconds / 1000
        let (year, month, day) = civil(daysSinceEpoch: seconds / 86400)
        let rest = seconds % 86400
        return String(unsafeUninitializedCapacity: length) { bytes in
            // Safe: each writes two bytes, the last at 17 and 18 of the 20 that there are.
            func put(_ value: Int64, at offset: Int, then mark: Unicode.Scalar? = nil) {
                bytes[offset] = UInt8(truncatingIfNeeded: 48 + value / 10)
                bytes[offset + 1] = UInt8(truncatingIfNeeded: 48 + value % 10)
                if let mark { bytes[offset + 2] = UInt8(ascii: mark) }
            }
            put(year / 100, at: 0)
            put(year % 100, at: 2, then: "-")
            put(month, at: 5, then: "-")
            put(day, at: 8, then: "T")
            put(rest / 3600, at: 11, then: ":")
            put(rest / 60 % 60, at: 14, then: ":")
            put(rest % 60, at: 17, then: "Z")
            return length
        }
    }

    /// Howard Hinnant's `civil_from_days` for days from 1970 on.
    private static func civil(daysSinceEpoch days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let z = days + 719_468
        let era = z / 146_097
        let dayOfEra = z % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let m = (5 * dayOfYear + 2) / 153
        let month = m < 10 ? m + 3 : m - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * m + 2) / 5 + 1)
    }
}

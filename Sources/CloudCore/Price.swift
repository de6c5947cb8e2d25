/// Amounts of money are integer thousandths of a Rwandan franc everywhere, never floating point.
public enum Money {
    public static let currency = "RWF"
    /// The largest credit, and the largest balance that one can lead to, in thousandths: a million million francs.
    /// Far below what Int64 holds, so that sums of what is bounded by it don't overflow.
    public static let most: Int64 = 1_000_000_000_000_000

    /// Francs with three decimals: `3999.000`, `-0.500`.
    public static func text(_ milliRwf: Int64) -> String {
        let (francs, rest) = milliRwf.magnitude.quotientAndRemainder(dividingBy: 1000)
        let decimals = String(rest + 1000).dropFirst()
        return "\(milliRwf < 0 ? "-" : "")\(francs).\(decimals)"
    }

    /// Reads francs with at most three decimals, such as `1000` or `-12.5`, no larger than `most`; `nil` for all else.
    public static func parse(_ text: String) -> Int64? {
        let isNegative = text.hasPrefix("-")
        let parts = text.dropFirst(isNegative ? 1 : 0).split(separator: ".", omittingEmptySubsequences: false)
        let isDecimal = parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { (48...57).contains($0) } }
        guard isDecimal, (1...2).contains(parts.count), parts[0].utf8.count <= 13 else { return nil }
        let decimals = parts.count == 2 ? parts[1] : ""
        guard decimals.utf8.count <= 3,
            let milliRwf = Int64(
                parts[0] + decimals + String(repeating: "0", count: 3 - decimals.utf8.count)),
            milliRwf <= most
        else { return nil }
        return isNegative ? -milliRwf : milliRwf
    }
}

/// What a compute costs.
public struct Price: Sendable, Equatable {
    /// For each begun hour.
    public var hourMilliRwf: Int64
    /// For each calendar month in which it holds its public address; 0 without one.
    public var ipMonthMilliRwf: Int64

    /// Where nothing is billed.
    public static let free = Price(hourMilliRwf: 0, ipMonthMilliRwf: 0)
    /// Hours of the mean month, 365 × 24 / 12 (docs/billing.md).
    public static let hoursPerMonth: Int64 = 730
    /// The highest monthly price of a catalogue, in francs: 1,000 computes that cost so much for 100 years are less
    /// than Int64 holds.
    public static let mostMonthRwf: Int64 = 1_000_000_000

    public init(hourMilliRwf: Int64, ipMonthMilliRwf: Int64) {
        self.hourMilliRwf = hourMilliRwf
        self.ipMonthMilliRwf = ipMonthMilliRwf
    }

    /// An hour's price out of a month's: a 730th, rounded up to the thousandth of a franc.
    public static func hour(ofMonth monthMilliRwf: Int64) -> Int64 {
        (monthMilliRwf + hoursPerMonth - 1) / hoursPerMonth
    }

    /// What a mean month costs.
    public var monthMilliRwf: Int64 { hourMilliRwf * Self.hoursPerMonth + ipMonthMilliRwf }

    /// Whole days that `balanceMilliRwf`, at most `Money.most`, lasts; `nil` when nothing is spent.
    public func days(ofBalance balanceMilliRwf: Int64) -> Int64? {
        guard monthMilliRwf > 0 else { return nil }
        return max(0, balanceMilliRwf) * Self.hoursPerMonth / (monthMilliRwf * 24)
    }

    public static func + (left: Price, right: Price) -> Price {
        Price(
            hourMilliRwf: left.hourMilliRwf + right.hourMilliRwf,
            ipMonthMilliRwf: left.ipMonthMilliRwf + right.ipMonthMilliRwf)
    }
}

extension Specification {
    public var priceHourMilliRwf: Int64 { Price.hour(ofMonth: priceMonthMilliRwf) }
}

extension Catalogue {
    /// The price of a snapshot whose file takes `gb` GiB.
    public func price(ofSnapshotGb gb: Int64) -> Price {
        Price(hourMilliRwf: Price.hour(ofMonth: gb * snapshotGbMonthMilliRwf), ipMonthMilliRwf: 0)
    }

    /// The price of a team's own image whose files take `gb` GiB.
    public func price(ofImageGb gb: Int64) -> Price {
        Price(hourMilliRwf: Price.hour(ofMonth: gb * imageGbMonthMilliRwf), ipMonthMilliRwf: 0)
    }

    public func price(of specification: Specification, hasPublicIp: Bool) -> Price {
        Price(
            hourMilliRwf: specification.priceHourMilliRwf,
            ipMonthMilliRwf: hasPublicIp ? publicIpMonthMilliRwf : 0)
    }
}

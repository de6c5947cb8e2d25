extension Meter {
    /// What the compute has cost until `atMs`, the hour under way included.
    public func cost(atMs: Int64) -> Int64 {
        total(hours: 0..<begunHours(atMs)) + months(0..<atMs).reduce(0) { $0 + $1.amountMilliRwf }
    }

    /// What it has cost until `atMs` and the ledger does not have yet, the hour under way included.
    public func owed(atMs: Int64) -> Int64 {
        let debited = dueHours(debitedToMs)
        return total(hours: debited..<max(debited, begunHours(atMs)))
            + months(debitedToMs..<max(debitedToMs, atMs)).reduce(0) { $0 + $1.amountMilliRwf }
    }

    /// What falls due after `debitedToMs` and until `untilMs`, by days and months.
    ///
    /// An hour falls due when it is over, or with the end of the billed time: only then its price can't change any
    /// more. It belongs to the day in which its last millisecond lies. A month's fee is due once the month has begun.
    public func charges(untilMs: Int64) -> [Charge] {
        guard let beganAtMs, untilMs > debitedToMs else { return [] }
        var charges = months(debitedToMs..<untilMs)
        var hour = dueHours(debitedToMs)
        var day = UTCDay.start(max(debitedToMs, beganAtMs))
        while day < untilMs {
            let next = day + UTCDay.milliseconds
            let due = max(hour, dueHours(min(next, untilMs)))
            let amount = total(hours: hour..<due)
            if amount > 0 {
                charges.append(
                    Charge(kind: hours, reference: UTCDay.text(day), amountMilliRwf: amount))
            }
            (hour, day) = (due, next)
        }
        return charges
    }

    /// Hours begun before `ms`.
    private func begunHours(_ ms: Int64) -> Int64 {
        guard let beganAtMs else { return 0 }
        let length = max(0, min(ms, endedAtMs ?? ms) - beganAtMs)
        return (length + Self.hourMs - 1) / Self.hourMs
    }

    /// Hours that fell due until `ms`.
    private func dueHours(_ ms: Int64) -> Int64 {
        guard let beganAtMs else { return 0 }
        if let endedAtMs, endedAtMs <= ms { return begunHours(endedAtMs) }
        return max(0, ms - beganAtMs) / Self.hourMs
    }

    /// The price of hours, counted from 0.
    private func total(hours: Range<Int64>) -> Int64 {
        guard let beganAtMs else { return 0 }
        var total: Int64 = 0
        var hour = hours.lowerBound
        // Each turn goes past a price change or to the end.
        while hour < hours.upperBound {
            let startMs = beganAtMs + hour * Self.hourMs
            let index = indexInForce(startMs)
            let left = hours.upperBound - hour
            let whole = index + 1 < prices.count ? (prices[index + 1].sinceMs - startMs) / Self.hourMs : left
            if whole > 0 {
                total += min(whole, left) * prices[index].price.hourMilliRwf
                hour += min(whole, left)
            } else {
                let endMs = min(startMs + Self.hourMs, endedAtMs ?? .max)
                let others = prices[(index + 1)...].prefix { $0.sinceMs < endMs }
                total += others.reduce(prices[index].price.hourMilliRwf) { max($0, $1.price.hourMilliRwf) }
                hour += 1
            }
        }
        return total
    }

    /// The fees of the months whose first billed moment lies in `range`.
    private func months(_ range: Range<Int64>) -> [Charge] {
        guard let beganAtMs else { return [] }
        var charges: [Charge] = []
        let end = min(range.upperBound, endedAtMs ?? .max)
        var first = max(beganAtMs, UTCMonth(containing: max(range.lowerBound, beganAtMs)).startMs)
        while first < end {
            let month = UTCMonth(containing: first)
            let amount = prices[indexInForce(first)].price.ipMonthMilliRwf
            if first >= range.lowerBound, amount > 0 {
                charges.append(
                    Charge(kind: .publicIpMonth, reference: month.text, amountMilliRwf: amount))
            }
            first = month.next.startMs
        }
        return charges
    }

    private func indexInForce(_ ms: Int64) -> Int { prices.lastIndex { $0.sinceMs <= ms } ?? 0 }
}

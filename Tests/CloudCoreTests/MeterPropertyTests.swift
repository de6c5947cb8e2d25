import CloudCore
import Testing

@Suite("Meters against a naive recomputation")
struct MeterPropertyTests {
    static let histories: UInt64 = 10_000

    @Test("10,000 random histories are debited exactly, by whatever looks they are debited")
    func histories() {
        for seed in 0..<Self.histories {
            var history = RandomHistory(seed: seed)
            history.live()
            let naive = history.recompute()
            // Comparing first: an expectation for each of the 10,000 would take longer than all else.
            if history.ledger != naive || history.isDoubled {
                #expect(history.ledger == naive, "seed \(seed)")
                #expect(!history.isDoubled, "seed \(seed) charged something twice")
                return
            }
            let debited = naive.values.reduce(0, +)
            if history.meter.cost(atMs: history.lastLookMs)
                != debited + history.meter.owed(atMs: history.lastLookMs)
                || history.meter.cost(atMs: history.lastLookMs) != history.recomputedCost()
            {
                Issue.record("seed \(seed): the cost so far is not what is debited and owed")
                return
            }
        }
    }
}

/// What a charge is known by.
private struct ChargeKey: Hashable {
    var kind: LedgerKind
    var reference: String
}

/// A compute's random life, with what happened written down plainly, and a meter that went along.
private struct RandomHistory {
    private var random: SplitMix
    private(set) var meter: Meter
    private(set) var ledger: [ChargeKey: Int64] = [:]
    private(set) var isDoubled = false
    private(set) var lastLookMs: Int64
    private var debitedMs: Int64 = 0
    private var now: Int64
    // The plain record.
    private var began: Int64?
    private var ended: Int64?
    private var prices: [(sinceMs: Int64, price: Price)]

    private static let hour: Int64 = 3_600_000
    private static let day: Int64 = 86_400_000

    init(seed: UInt64) {
        var random = SplitMix(state: seed)
        // Anywhere within two years, leap day included; now and then on a boundary.
        now = 1_700_000_000_000 + random.next(730 * Self.day)
        if random.next(10) == 0 { now -= now % Self.day }
        let price = Self.price(&random)
        prices = [(now, price)]
        meter = Meter(prices: [PriceChange(sinceMs: now, price: price)])
        lastLookMs = now
        self.random = random
    }

    private static func price(_ random: inout SplitMix) -> Price {
        Price(hourMilliRwf: random.next(1000), ipMonthMilliRwf: random.next(2) * (1 + random.next(5000)))
    }

    /// A few dozen things happen one after the other.
    mutating func live() {
        for _ in 0..<(2 + random.next(20)) {
            now += pause()
            switch random.next(10) {
            case 0...3: look()
            case 4, 5: enter(random.next(3) == 0 ? .stopped : .running)
            case 6, 7: change()
            case 8: if random.next(4) == 0 { enter(.creating) } else { look() }
            default: if random.next(3) == 0 { enter([.destroying, .failed][Int(random.next(2))]) }
            }
        }
        now += pause()
        look()
    }

    private mutating func pause() -> Int64 {
        switch random.next(8) {
        case 0: 0
        case 1: Self.hour - now % Self.hour
        case 2: Self.day - now % Self.day
        case 3: Self.hour * random.next(30)
        case 4: random.next(20) == 0 ? random.next(45 * Self.day) : random.next(5)
        default: random.next(Self.day)
        }
    }

    private mutating func enter(_ state: ComputeState) {
        meter.follow(state.billing, atMs: now)
        guard ended == nil else { return }
        switch state {
        case .running, .stopped, .starting, .rebooting: began = began ?? now
        case .destroying, .failed: ended = now
        case .creating, .destroyed: break
        }
    }

    private mutating func change() {
        let price = Self.price(&random)
        meter.change(price, atMs: now)
        if ended == nil { prices.append((now, price)) }
    }

    /// Debits as the accountant does: to the last midnight, or all of what has ended; sometimes only a part of it.
    private mutating func look() {
        lastLookMs = now
        let until = meter.endedAtMs ?? (now - 1) - (now - 1) % Self.day
        if random.next(3) == 0, let beganMs = meter.beganAtMs {
            let since = max(meter.debitedToMs, beganMs)
            debit(min(until, since - since % Self.day + Self.day * (1 + random.next(5))))
        }
        debit(until)
    }

    private mutating func debit(_ untilMs: Int64) {
        for charge in meter.charges(untilMs: untilMs) {
            let key = ChargeKey(kind: charge.kind, reference: charge.reference)
            isDoubled = isDoubled || ledger[key] != nil || charge.amountMilliRwf <= 0
            ledger[key] = charge.amountMilliRwf
        }
        meter.debit(untilMs: untilMs)
        debitedMs = max(debitedMs, untilMs)
    }

    /// The highest price that was in force at any moment of `start..<end`.
    private func highest(_ start: Int64, _ end: Int64) -> Int64 {
        var highest: Int64 = 0
        for index in prices.indices {
            let since = index == 0 ? 0 : prices[index].sinceMs
            let until = index + 1 < prices.count ? prices[index + 1].sinceMs : Int64.max
            if max(since, start) < min(until, end) {
                highest = max(highest, prices[index].price.hourMilliRwf)
            }
        }
        return highest
    }

    private func inForce(_ ms: Int64) -> Price {
        var found = prices[0].price
        for (since, price) in prices where since <= ms { found = price }
        return found
    }

    /// Hour by hour and month by month, of what was due when it was last debited.
    func recompute() -> [ChargeKey: Int64] {
        guard let began else { return [:] }
        var days: [Int64: Int64] = [:]
        let end = ended ?? .max
        var start = began
        while start < end, min(start + Self.hour, end) <= debitedMs {
            let last = min(start + Self.hour, end) - 1
            days[last / Self.day, default: 0] += highest(start, last + 1)
            start += Self.hour
        }
        var charges: [ChargeKey: Int64] = [:]
        for (day, amount) in days where amount > 0 {
            charges[ChargeKey(kind: .computeHours, reference: UTCDay.text(day * Self.day))] = amount
        }
        for (first, month) in monthsHeld(before: min(end, debitedMs), from: began) {
            let fee = inForce(first).ipMonthMilliRwf
            if fee > 0 { charges[ChargeKey(kind: .publicIpMonth, reference: month)] = fee }
        }
        return charges
    }

    /// All hours and months that were begun by the last look.
    func recomputedCost() -> Int64 {
        guard let began else { return 0 }
        let end = min(ended ?? .max, lastLookMs)
        var cost: Int64 = 0
        var start = began
        while start < end {
            cost += highest(start, min(start + Self.hour, ended ?? .max))
            start += Self.hour
        }
        return monthsHeld(before: end, from: began).reduce(cost) { $0 + inForce($1.first).ipMonthMilliRwf }
    }

    /// The first moment of each month that was begun, found by going through the days.
    private func monthsHeld(before end: Int64, from began: Int64) -> [(first: Int64, month: String)] {
        var months: [(first: Int64, month: String)] = []
        var moment = began
        while moment < end {
            let month = String(UTCDay.text(moment).prefix(7))
            if months.last?.month != month { months.append((moment, month)) }
            moment = moment - moment % Self.day + Self.day
        }
        return months
    }
}

/// A generator with a seed (Steele, Lea and Flood, "Fast splittable pseudorandom number generators").
private struct SplitMix {
    var state: UInt64

    /// 0 ..< bound.
    mutating func next(_ bound: Int64) -> Int64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int64((z ^ (z >> 31)) % UInt64(bound))
    }
}

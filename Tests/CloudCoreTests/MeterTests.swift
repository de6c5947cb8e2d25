import CloudCore
import Testing

@Suite("Meters")
struct MeterTests {
    /// 2024-01-15T10:00:00Z.
    static let start: Int64 = 1_705_312_800_000
    static let minute: Int64 = 60_000

    /// A meter at 100 for the hour that began at `start`.
    private func meter(ipMonth: Int64 = 0) -> Meter {
        var meter = Meter(prices: [
            PriceChange(sinceMs: 0, price: Price(hourMilliRwf: 100, ipMonthMilliRwf: ipMonth))
        ])
        meter.follow(ComputeState.running.billing, atMs: Self.start)
        return meter
    }

    static let lengths: [(Int64, Int64)] = [
        (0, 0), (1, 100), (59 * minute, 100), (60 * minute, 100), (60 * minute + 1, 200),
        (1440 * minute, 2400),
    ]

    @Test(
        "begun hours count whole",
        arguments: lengths)
    func begunHours(_ lengthMs: Int64, cost: Int64) {
        #expect(meter().cost(atMs: Self.start + lengthMs) == cost)
        var ended = meter()
        ended.follow(ComputeState.destroying.billing, atMs: Self.start + lengthMs)
        #expect(ended.cost(atMs: Self.start + 9999 * Self.minute) == cost)
    }

    @Test("what never ran costs nothing", arguments: [ComputeState.failed, .destroying])
    func neverRan(_ state: ComputeState) {
        var meter = Meter(prices: [
            PriceChange(sinceMs: 0, price: Price(hourMilliRwf: 100, ipMonthMilliRwf: 5))
        ])
        meter.follow(ComputeState.creating.billing, atMs: Self.start)
        meter.follow(state.billing, atMs: Self.start + 500 * Self.minute)
        #expect(meter.cost(atMs: Self.start + 999 * Self.minute) == 0)
        #expect(meter.isSettled)
    }

    @Test("an hour costs the highest price in force in it, wherever in it the price changed")
    func highestPrice() {
        var meter = meter()
        meter.change(Price(hourMilliRwf: 300, ipMonthMilliRwf: 0), atMs: Self.start + 30 * Self.minute)
        #expect(meter.cost(atMs: Self.start + 60 * Self.minute) == 300)
        meter.change(Price(hourMilliRwf: 200, ipMonthMilliRwf: 0), atMs: Self.start + 90 * Self.minute)
        #expect(meter.cost(atMs: Self.start + 180 * Self.minute) == 300 + 300 + 200)
    }

    @Test("an hour is debited on the day in which it ends, and the last one with the end")
    func days() {
        var meter = meter()
        meter.follow(ComputeState.failed.billing, atMs: Self.start + 20 * 60 * Self.minute + 1)
        let charges = meter.charges(untilMs: Self.start + 9999 * Self.minute)
        #expect(
            charges == [
                Charge(kind: .computeHours, reference: "2024-01-15", amountMilliRwf: 1400),
                Charge(kind: .computeHours, reference: "2024-01-16", amountMilliRwf: 700),
            ])
    }

    @Test("a public address costs its fee in each calendar month that it was held in")
    func months() {
        var meter = meter(ipMonth: 7)
        // 2024-03-01T00:00:00.001Z: February was held throughout, March for a millisecond.
        meter.follow(ComputeState.destroying.billing, atMs: 1_709_251_200_001)
        let fees = meter.charges(untilMs: 1_709_251_200_001).filter { $0.kind == .publicIpMonth }
        #expect(fees.map(\.reference) == ["2024-01", "2024-02", "2024-03"])
        #expect(fees.map(\.amountMilliRwf) == [7, 7, 7])
    }

    @Test("a clock that was set back loses nothing that was debited and breaks nothing")
    func clockSetBack() {
        var meter = meter()
        let midnight = UTCDay.start(Self.start) + UTCDay.milliseconds
        let debited = meter.charges(untilMs: midnight).reduce(0) { $0 + $1.amountMilliRwf }
        meter.debit(untilMs: midnight)
        meter.follow(ComputeState.destroying.billing, atMs: midnight - 5000 * Self.minute)
        let rest = meter.charges(untilMs: meter.endedAtMs ?? 0).reduce(0) { $0 + $1.amountMilliRwf }
        #expect(debited == 1400)
        #expect(meter.cost(atMs: .max) == debited + rest)
    }

    @Test("a price that changes on a clock that was set back does not change what is debited")
    func priceOnClockSetBack() {
        var meter = meter()
        let midnight = UTCDay.start(Self.start) + UTCDay.milliseconds
        let debited = meter.charges(untilMs: midnight)
        meter.debit(untilMs: midnight)
        meter.change(Price(hourMilliRwf: 900, ipMonthMilliRwf: 0), atMs: midnight - 5000 * Self.minute)
        let fresh = Meter(beganAtMs: meter.beganAtMs, prices: meter.prices)
        #expect(fresh.charges(untilMs: midnight) == debited)
        #expect(meter.price.hourMilliRwf == 900)
    }

    @Test("every state is billed as the API reference says")
    func states() {
        for state in ComputeState.allCases {
            let expected: BillingPhase =
                switch state {
                case .creating: .notYet
                case .destroying, .destroyed, .failed: .over
                default: .billed  // whatever lies between RUNNING and STOPPED
                }
            #expect(state.billing == expected)
        }
    }
}

@Suite("Prices")
struct PriceTests {
    static let months: [(Int64, Int64)] = [
        (0, 0), (1, 1), (730, 1), (731, 2), (3_999_000, 5479), (7_998_000, 10957),
    ]

    @Test(
        "an hour is a 730th of a month, rounded up",
        arguments: months)
    func hours(_ month: Int64, hour: Int64) {
        #expect(Price.hour(ofMonth: month) == hour)
        #expect(hour * 730 >= month)
    }

    static let texts: [(Int64, String)] = [
        (0, "0.000"), (1, "0.001"), (-1, "-0.001"), (3_999_000, "3999.000"), (-12_345, "-12.345"),
        (Money.most, "1000000000000.000"),
    ]

    @Test(
        "amounts are written with three decimals and read back",
        arguments: texts)
    func text(_ milliRwf: Int64, _ text: String) {
        #expect(Money.text(milliRwf) == text)
        #expect(Money.parse(text) == milliRwf)
    }

    @Test("the smallest number there is can be written") func least() {
        #expect(Money.text(.min) == "-9223372036854775.808")
    }

    static let decimals: [(String, Int64?)] = [
        ("5", Int64(5000)), ("5.5", 5500), ("0012", 12000), ("", nil), ("-", nil), (".5", nil),
        ("5.", nil),
        ("1.0001", nil), ("1e3", nil), ("+1", nil), ("--1", nil), ("1,000", nil), ("1.0.0", nil),
        ("1000000000000.001", nil), ("99999999999999999999", nil), ("٣", nil),
    ]

    @Test(
        "amounts are read in plain decimals alone",
        arguments: decimals)
    func parse(_ text: String, _ milliRwf: Int64?) { #expect(Money.parse(text) == milliRwf) }

    @Test("days left count hours and the month's share of addresses")
    func daysLeft() {
        #expect(Price.free.days(ofBalance: 5) == nil)
        #expect(Price(hourMilliRwf: 100, ipMonthMilliRwf: 0).days(ofBalance: 4799) == 1)
        #expect(Price(hourMilliRwf: 100, ipMonthMilliRwf: 73_000).days(ofBalance: 4800) == 1)
        #expect(Price(hourMilliRwf: 1, ipMonthMilliRwf: 0).days(ofBalance: -7) == 0)
        #expect(Price(hourMilliRwf: 1, ipMonthMilliRwf: 0).days(ofBalance: Money.most) == Money.most / 24)
    }

    static let moments: [(Int64, String, String)] = [
        (1_705_312_800_000, "2024-01", "2024-01-15"), (1_709_164_800_000, "2024-02", "2024-02-29"),
        (1_709_251_199_999, "2024-02", "2024-02-29"), (1_709_251_200_000, "2024-03", "2024-03-01"),
        (1_735_689_599_999, "2024-12", "2024-12-31"), (0, "1970-01", "1970-01-01"),
    ]

    @Test(
        "months of the calendar",
        arguments: moments)
    func calendar(_ ms: Int64, _ month: String, _ day: String) {
        let found = UTCMonth(containing: ms)
        #expect(found.text == month)
        #expect(UTCDay.text(ms) == day)
        #expect(found.startMs <= ms && ms < found.next.startMs)
        #expect(UTCMonth(containing: found.next.startMs - 1) == found)
    }
}

import CloudControl
import CloudCore
import CloudDatabase
import CloudTesting
import HTTPTypes
import Logging
import Synchronization
import Testing

@testable import CloudWorker

@Suite("The accountant")
struct AccountantTests {
    @Test("debits the hours of a day after its midnight, once, and the rest with the end")
    func day() async throws {
        try await TestCloud.with(settings: .billed) { cloud in
            try await cloud.topUp(1_000_000)
            _ = try await cloud.createAndSettle(TestCloud.smallest)
            cloud.advance(hours: 14)
            try await cloud.accountant.look()
            #expect(try await cloud.ledger().count == 1, "midnight itself is not past yet")

            cloud.advance(hours: 2)
            for _ in 0..<2 { try await cloud.accountant.look() }
            #expect(
                try await cloud.ledger() == ["CREDIT payment 1000.000", "COMPUTE_HOURS 1 2024-01-15 -76.706"])

            _ = try await cloud.send(.delete, "/computes/1")
            for _ in 0..<2 { try await cloud.accountant.look() }
            #expect(try await cloud.ledger().last == "COMPUTE_HOURS 1 2024-01-16 -10.958")
            #expect(try await cloud.ledger().count == 3)
            #expect(try await cloud.teamEvents() == ["wallet.credited", "wallet.debited", "wallet.debited"])
        }
    }

    @Test("debits a public address once a month, and nothing for a create that failed")
    func addressAndFailure() async throws {
        try await TestCloud.with(settings: .billed) { cloud in
            try await cloud.topUp(100_000_000)
            let body = TestCloud.body(specification: "\"S-1C\"", more: ", \"withPublicIp\": true")
            _ = try await cloud.createAndSettle(body)
            await cloud.failCreates()
            _ = try await cloud.createAndSettle(body)
            #expect(try await cloud.state("2") == "FAILED")
            cloud.advance(hours: 40 * 24)
            try await cloud.accountant.look()
            let ledger = try await cloud.ledger()
            #expect(
                ledger.filter { $0.hasPrefix("PUBLIC_IP_MONTH") } == [
                    "PUBLIC_IP_MONTH 1 2024-01 -2000.000", "PUBLIC_IP_MONTH 1 2024-02 -2000.000",
                ])
            #expect(!ledger.contains { $0.hasPrefix("COMPUTE_HOURS 2") })
        }
    }

    /// Two computes for 40 days, one of them with an address and deleted on the way; `look` is called once a day.
    private func fortyDays(
        _ cloud: TestCloud, look: (TestCloud, _ day: Int) async throws -> Void
    ) async throws -> [String] {
        try await cloud.topUp(100_000_000)
        _ = try await cloud.createAndSettle(TestCloud.smallest)
        _ = try await cloud.createAndSettle(TestCloud.body(more: ", \"withPublicIp\": true"))
        for day in 0..<40 {
            cloud.clock.advance(milliseconds: UTCDay.milliseconds + 12_345)
            if day == 20 { _ = try await cloud.send(.delete, "/computes/2") }
            try await look(cloud, day)
        }
        try await cloud.accountant.look()
        return try await cloud.ledger().sorted()
    }

    @Test("catches up after 40 days without a server to what it would have debited day by day")
    func catchUp() async throws {
        let daily = Mutex<[String]>([])
        try await TestCloud.with(settings: .billed) { cloud in
            let ledger = try await fortyDays(cloud) { cloud, _ in try await cloud.accountant.look() }
            daily.withLock { $0 = ledger }
        }
        try await TestCloud.with(settings: .billed) { cloud in
            let atOnce = try await fortyDays(cloud) { _, _ in }
            #expect(atOnce == daily.withLock { $0 })
            // The credit, 40 days of the one, 22 of the other, and two months of its address.
            #expect(atOnce.count == 65)
        }
    }

    @Test(
        "is stopped between any two writes, and the next look debits what is missing, no more",
        arguments: 0..<12)
    func crash(_ passing: Int) async throws {
        let expected = Mutex<[String]>([])
        for isFaulty in [false, true] {
            try await TestCloud.with(settings: .billed) { cloud in
                let ledger = try await fortyDays(cloud) { cloud, day in
                    guard isFaulty, day == 15 || day == 30 else { return }
                    cloud.database.set(
                        writeFault: CloudError(.serviceUnavailable, "planted"), afterWrites: passing)
                    await #expect(throws: CloudError.self) {
                        try await cloud.accountant.look()
                        // All was debited within fewer writes: the fault is met by one of the next.
                        for number in 0...passing {
                            try await cloud.topUp(1, reference: "met \(day) \(number)")
                        }
                    }
                    cloud.database.set()
                }
                guard isFaulty else { return expected.withLock { $0 = ledger } }
                #expect(ledger.filter { !$0.contains("met") } == expected.withLock { $0 })
            }
        }
    }

    @Test("debits to the thousandth what the meters say, after any looks at 20 computes")
    func manyComputes() async throws {
        try await TestCloud.with(settings: .billed) { cloud in
            try await cloud.topUp(Money.most)
            for id in 1...20 {
                _ = try await cloud.createAndSettle(id % 2 == 0 ? TestCloud.smallest : TestCloud.body())
                // Up to three days, never on a boundary, each time others.
                cloud.clock.advance(milliseconds: Int64(id) * 123_456_789 % (3 * UTCDay.milliseconds))
                if id % 5 < 3 { try await cloud.accountant.look() }
                if id % 3 == 0 { _ = try await cloud.send(.delete, "/computes/\(id / 3 * 2)") }
            }
            for id in 1...20 { _ = try await cloud.send(.delete, "/computes/\(id)") }
            try await cloud.accountant.look()
            let (meters, debited) = try await cloud.cloud.database.read { sql in
                (
                    try sql.meters.list(resourceIds: Array(1...20)),
                    try sql.query(
                        """
                        SELECT resource_id, CAST(-SUM(amount_milli_rwf) AS BIGINT) AS debited
                        FROM ledger WHERE resource_id IS NOT NULL GROUP BY resource_id ORDER BY resource_id
                        """
                    ).map { try $0.int("debited") }
                )
            }
            #expect(meters.filter(\.meter.isSettled).count == 20)
            #expect(meters.map { $0.meter.cost(atMs: .max) } == debited)
        }
    }

    @Test("with billing off debits nothing, and what was used meanwhile stays free when it is on again")
    func offAndOn() async throws {
        try await TestCloud.with(settings: .billed) { cloud in
            let off = accountant(cloud, .off)
            try await cloud.topUp(1_000_000)
            _ = try await cloud.createAndSettle(TestCloud.smallest)
            cloud.advance(hours: 2)
            try await off.priceAll()
            cloud.advance(hours: 8)
            try await off.look()
            try await cloud.accountant.priceAll()
            cloud.advance(hours: 2)
            _ = try await cloud.send(.delete, "/computes/1")
            try await cloud.accountant.look()
            // Of 12 hours 2 before and 2 after.
            #expect(try await cloud.ledger().last == "COMPUTE_HOURS 1 2024-01-15 -21.916")
            #expect(try await cloud.ledger().count == 2)
        }
    }

    @Test("writes nothing where no price and no standing changes", arguments: [false, true])
    func idle(isBilled: Bool) async throws {
        try await TestCloud.with(settings: isBilled ? .billed : .test) { cloud in
            if isBilled { try await cloud.topUp(1_000_000) }
            _ = try await cloud.createAndSettle(TestCloud.smallest)
            cloud.database.set(writeFault: CloudError(.serviceUnavailable, "planted"))
            let accountant = accountant(cloud, isBilled ? CloudSettings.billed.billing : .off)
            try await accountant.priceAll()
            try await accountant.look()
            // The other way round every price is another.
            let other = self.accountant(cloud, isBilled ? .off : CloudSettings.billed.billing)
            await #expect(throws: CloudError.self) { try await other.priceAll() }
        }
    }

    @Test("debits other teams when one can't be debited, tells so, and tries again")
    func oneTeamFails() async throws {
        try await TestCloud.with(settings: .billed) { cloud in
            try await cloud.topUp(1_000_000)
            _ = try await TopUp(teamId: 2, amountMilliRwf: 1_000_000, reference: "p").run(in: cloud.cloud)
            _ = try await cloud.createAndSettle(TestCloud.smallest)
            _ = try await cloud.createAndSettle(TestCloud.smallest, as: .stranger)
            cloud.advance(hours: 24)
            // One write passes the team that is debited first; its second look for more meets the fault.
            cloud.database.set(writeFault: CloudError(.serviceUnavailable, "planted"), afterWrites: 1)
            await #expect(throws: CloudError.self) { try await cloud.accountant.look() }
            cloud.database.set()
            try await cloud.accountant.look()
            let balances = try await cloud.cloud.database.read { sql in
                try [1, 2].map { try sql.wallets.get($0).balanceMilliRwf }
            }
            #expect(balances == [923_294, 923_294])
        }
    }

    private func accountant(_ cloud: TestCloud, _ settings: BillingSettings) -> Accountant {
        Accountant(
            duty: CellDuty(database: cloud.database, claim: cloud.claim, clock: cloud.clock),
            database: cloud.database, catalogue: .test, settings: settings, clock: cloud.clock, wake: Wake(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }
}

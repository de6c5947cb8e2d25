import CloudControl
import CloudCore
import CloudTesting
import HTTPTypes
import Testing

/// The API reference, what "Teams, roles, billing" says of money, fact by fact. The smallest specification costs 5.479
/// RWF an hour; the clock begins on 2024-01-15 at 10:00.
@Suite("The API reference on billing")
struct ContractBillingSentences {
    @Test("a compute costs by the hour, and a part of an hour as much as a whole one")
    func hours() async throws {
        try await withMoney { cloud in
            let id = try await cloud.createAndSettle(TestCloud.smallest)
            for (milliseconds, expected) in [
                (1, "5.479"), (Meter.hourMs - 1, "5.479"), (1, "10.958"), (9 * Meter.hourMs, "60.269"),
            ] {
                cloud.clock.advance(milliseconds: Int64(milliseconds))
                #expect(try await cost(id, cloud) == expected)
            }
        }
    }

    @Test("what was used is debited once a day")
    func daily() async throws {
        try await withMoney { cloud in
            _ = try await cloud.createAndSettle(TestCloud.smallest)
            cloud.advance(hours: 13)
            try await cloud.account()
            #expect(try await debits(cloud) == [])
            // Past midnight.
            cloud.clock.advance(milliseconds: Meter.hourMs + 1)
            for _ in 0..<2 { try await cloud.account() }
            cloud.advance(hours: 24)
            try await cloud.account()
            #expect(
                try await debits(cloud) == [
                    "COMPUTE_HOURS 1 2024-01-15 -76.706", "COMPUTE_HOURS 1 2024-01-16 -131.496",
                ])
        }
    }

    @Test("RUNNING and STOPPED are billed, and CREATING and DESTROYING are not")
    func states() async throws {
        try await withMoney { cloud in
            let created = try await cloud.create(TestCloud.smallest)
            let id = try #require(created.data?["id"]?.string)
            cloud.advance(hours: 5)
            #expect(try await cloud.state(id) == "CREATING")
            #expect(try await cost(id, cloud) == "0.000")
            try await cloud.settle()
            cloud.clock.advance(milliseconds: 1)
            #expect(try await cloud.state(id) == "RUNNING")
            #expect(try await cost(id, cloud) == "5.479")
            _ = try await cloud.act(.stop, on: id)
            try await cloud.settle()
            cloud.advance(hours: 2)
            #expect(try await cloud.state(id) == "STOPPED")
            #expect(try await cost(id, cloud) == "16.437")
            _ = try await cloud.act(.delete, on: id)
            cloud.advance(hours: 100)
            #expect(try await cloud.state(id) == "DESTROYING")
            #expect(try await cost(id, cloud) == "16.437")
            try await cloud.account()
            try await cloud.settle()
            cloud.advance(hours: 100)
            try await cloud.account()
            #expect(try await debits(cloud) == ["COMPUTE_HOURS 1 2024-01-15 -16.437"])
        }
    }

    @Test("a public address costs its fee in each month in which it was held, however short")
    func address() async throws {
        try await withMoney { cloud in
            let body = TestCloud.body(specification: "\"S-1C\"", more: ", \"withPublicIp\": true")
            let id = try await cloud.createAndSettle(body)
            // To 2024-02-01, 00:00 and a part of its first hour.
            cloud.advance(hours: 16 * 24 + 14)
            cloud.clock.advance(milliseconds: 1000)
            _ = try await cloud.act(.delete, on: id)
            try await cloud.settle()
            cloud.advance(hours: 60 * 24)
            try await cloud.account()
            #expect(
                try await debits(cloud).filter { $0.hasPrefix("PUBLIC_IP") } == [
                    "PUBLIC_IP_MONTH 1 2024-01 -2000.000", "PUBLIC_IP_MONTH 1 2024-02 -2000.000",
                ])
        }
    }

    @Test("a create that failed is not billed, for its address neither")
    func failed() async throws {
        try await withMoney { cloud in
            await cloud.failCreates()
            let body = TestCloud.body(specification: "\"S-1C\"", more: ", \"withPublicIp\": true")
            let id = try await cloud.createAndSettle(body)
            try await cloud.settle()
            cloud.advance(hours: 1000)
            try await cloud.account()
            #expect(try await cloud.state(id) == "FAILED")
            #expect(try await cost(id, cloud) == "0.000")
            #expect(try await debits(cloud) == [])
        }
    }

    @Test("who has paid nothing makes nothing")
    func prepaid() async throws {
        try await TestCloud.with(settings: .billed) { cloud in
            let answer = try await cloud.create(TestCloud.smallest)
            #expect(answer.status == 403)
            #expect(answer.code == "INSUFFICIENT_BALANCE")
        }
    }

    /// Standing, code of a refused create, and hours after the wallet was found empty. `billed` has a day of PAST_DUE
    /// and two of SUSPENDED.
    static let standings: [(String, code: String, hours: [Int64])] = [
        ("PAST_DUE", "TEAM_PAST_DUE", []), ("SUSPENDED", "TEAM_SUSPENDED", [24]),
        ("TERMINATED", "TEAM_TERMINATED", [24, 48]),
    ]

    @Test(
        "an empty wallet makes a team past due, then suspended, then terminated; whoever owes may still delete",
        arguments: standings)
    func emptyWallet(_ standing: String, code: String, hours: [Int64]) async throws {
        try await TestCloud.with(settings: .billed) { cloud in
            try await cloud.topUp(131_496)
            let id = try await cloud.createAndSettle(TestCloud.smallest)
            cloud.advance(hours: 39)
            try await cloud.account()
            for hours in hours {
                cloud.advance(hours: hours)
                try await cloud.account()
            }
            #expect(try await cloud.send(.get, "/billing").data?["standing"]?.string == standing)
            let refused = try await cloud.create(TestCloud.smallest)
            #expect(refused.status == 403)
            #expect(refused.code == code)
            let deleted = try await cloud.act(.delete, on: id)
            #expect(deleted.status == 202)
            #expect(deleted.data?["state"]?.string == "DESTROYING")
            try await cloud.settle()
            #expect(try await cloud.send(.get, "/computes").data?.array == [])
        }
    }

    private func withMoney(_ body: @escaping @Sendable (TestCloud) async throws -> Void) async throws {
        try await TestCloud.with(settings: .billed) { cloud in
            try await cloud.topUp(1_000_000_000)
            try await body(cloud)
        }
    }

    private func cost(_ id: String, _ cloud: TestCloud) async throws -> String? {
        try await cloud.send(.get, "/computes/\(id)").data?["cost"]?.string
    }

    private func debits(_ cloud: TestCloud) async throws -> [String] {
        try await cloud.ledger().filter { !$0.hasPrefix("CREDIT") }
    }
}

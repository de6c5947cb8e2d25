import CloudControl
import CloudCore
import CloudDatabase
import CloudTesting
import HTTPTypes
import Testing

@Suite("GET /billing")
struct BillingTests {
    @Test("shows balance, reserve, rate and days left")
    func billing() async throws {
        try await TestCloud.with(settings: .billed) { cloud in
            try await cloud.topUp(10_000_000)
            let body = TestCloud.body(specification: "\"S-1C\"", more: ", \"withPublicIp\": true")
            _ = try await cloud.createAndSettle(body)
            cloud.advance(hours: 3)
            let data = try await cloud.send(.get, "/billing", as: .of(.member)).data
            #expect(data?["enabled"]?.bool == true)
            #expect(data?["currency"]?.string == "RWF")
            #expect(data?["standing"]?.string == "ACTIVE")
            #expect(data?["balance"]?.string == "10000.000")
            // 3 hours owed, 24 ahead, the address of this month.
            #expect(data?["reserved"]?.string == "2147.933")
            #expect(data?["available"]?.string == "7852.067")
            #expect(data?["pricePerHour"]?.string == "5.479")
            #expect(data?["monthlyEstimate"]?.string == "5999.670")
            #expect(data?["daysLeft"]?.number == 40)
            #expect(data?["prices"]?["publicIpPerMonth"]?.string == "2000.000")
            let first = data?["prices"]?["specifications"]?.array?.first
            #expect(first?["specification"]?.string == "S-1C")
            #expect(first?["pricePerMonth"]?.string == "3999.000")
            let other = try await cloud.send(.get, "/billing", as: .stranger).data
            #expect(other?["balance"]?.string == "0.000")
            #expect(other?["daysLeft"] == nil)
        }
    }

    @Test("where nothing is billed shows prices and no amounts, and a compute has no cost")
    func off() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            cloud.advance(hours: 100)
            try await cloud.account()
            let data = try await cloud.send(.get, "/billing").data
            #expect(data?["enabled"]?.bool == false)
            #expect(data?["balance"] == nil)
            #expect(data?["prices"]?["specifications"]?.array?.count == 3)
            #expect(try await cloud.send(.get, "/computes/\(id)").data?["cost"] == nil)
            #expect(try await cloud.ledger().isEmpty)
        }
    }

    @Test("the ledger is shown newest first, in pages, to its own team")
    func ledger() async throws {
        try await TestCloud.with(settings: .billed) { cloud in
            for number in 1...3 { try await cloud.topUp(Int64(number) * 1000, reference: "p\(number)") }
            let answer = try await cloud.send(.get, "/billing/ledger?limit=2")
            #expect(answer.data?.array?.compactMap { $0["reference"]?.string } == ["p3", "p2"])
            #expect(answer.data?.array?.compactMap { $0["balance"]?.string } == ["6.000", "3.000"])
            #expect(answer.json["meta"]?["total"]?.number == 3)
            let rest = try await cloud.send(.get, "/billing/ledger?limit=2&page=2")
            #expect(rest.data?.array?.compactMap { $0["number"]?.number } == [1])
            #expect(try await cloud.send(.get, "/billing/ledger", as: .stranger).data?.array == [])
            #expect(try await cloud.send(.get, "/billing/ledger?page=0").status == 400)
        }
    }

    @Test("a compute shows what it has cost so far, alone and in the list, debited or not")
    func cost() async throws {
        try await TestCloud.with(settings: .billed) { cloud in
            try await cloud.topUp(10_000_000)
            let created = try await cloud.create(TestCloud.smallest)
            #expect(created.data?["cost"]?.string == "0.000")
            try await cloud.settle()
            cloud.advance(hours: 30)
            for isDebited in [false, true] {
                if isDebited { try await cloud.account() }
                let one = try await cloud.send(.get, "/computes/1").data
                let list = try await cloud.send(.get, "/computes").data?.array
                #expect(one?["cost"]?.string == "164.370")
                #expect(list?.map { $0["cost"]?.string } == ["164.370"])
            }
        }
    }

    @Test("a top-up counts once for its reference, and another amount for it is refused")
    func topUpOnce() async throws {
        try await TestCloud.with(settings: .billed) { cloud in
            for _ in 0..<3 { try await cloud.topUp(5000, reference: "p") }
            #expect(try await cloud.ledger() == ["CREDIT p 5.000"])
            let conflict = await #expect(throws: CloudError.self) {
                try await cloud.topUp(5001, reference: "p")
            }
            #expect(conflict?.code == .conflict)
            let team = TestCloud.teamId
            for (amount, reference, code) in [
                (Int64(0), "q", ErrorCode.validationError), (-1, "q", .validationError),
                (1, "", .validationError), (1, String(repeating: "r", count: 65), .validationError),
                (Money.most, "q", .unprocessableEntity), (.max, "q", .unprocessableEntity),
            ] {
                let error = await #expect(throws: CloudError.self) {
                    try await cloud.topUp(amount, reference: reference)
                }
                #expect(error?.code == code)
            }
            _ = try await CorrectWallet(teamId: team, amountMilliRwf: -2000, reference: "c").run(
                in: cloud.cloud)
            #expect(try await cloud.ledger().last == "CORRECTION c -2.000")
            let nobody = await #expect(throws: CloudError.self) {
                try await TopUp(teamId: 99, amountMilliRwf: 1, reference: "p").run(in: cloud.cloud)
            }
            #expect(nobody?.code == .resourceNotFound)
        }
    }
}

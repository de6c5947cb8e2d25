import CloudControl
import CloudCore
import CloudDatabase
import CloudTesting
import HTTPTypes
import Testing

@Suite("What the balance covers")
struct BalanceTests {
    /// 24 hours of the smallest specification.
    static let reserve: Int64 = 131_496

    @Test("of 100 creates at once exactly as many are accepted as the balance covers")
    func concurrent() async throws {
        try await TestCloud.with(settings: .billed) { cloud in
            try await cloud.topUp(10 * Self.reserve + Self.reserve - 1)
            let codes = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<100 {
                    group.addTask { try await cloud.create(TestCloud.smallest).code ?? "accepted" }
                }
                return try await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
            }
            #expect(codes == ["accepted": 10, "INSUFFICIENT_BALANCE": 90])
            #expect(try await cloud.send(.get, "/computes").json["meta"]?["total"]?.number == 10)
            try await cloud.settle()
            cloud.advance(hours: 24)
            try await cloud.account()
            #expect(try await cloud.send(.get, "/billing").data?["standing"]?.string == "ACTIVE")
        }
    }

    @Test("a refusal names balance, need and remedy, and uses up neither key nor address")
    func refusal() async throws {
        try await TestCloud.with(settings: .billed) { cloud in
            try await cloud.topUp(Self.reserve - 1)
            let key = TestCloud.newKey()
            let refused = try await cloud.create(TestCloud.smallest, idempotencyKey: key)
            #expect(refused.status == 403)
            #expect(refused.code == "INSUFFICIENT_BALANCE")
            let message = refused.json["message"]?.string ?? ""
            for part in ["balance is 131.495 RWF", "need 131.496 RWF", "Top up by 0.001 RWF"] {
                #expect(message.contains(part), "\(message)")
            }
            try await cloud.topUp(1, reference: "more")
            let accepted = try await cloud.create(TestCloud.smallest, idempotencyKey: key)
            #expect(accepted.status == 202)
            #expect(accepted.data?["privateIpv4"]?.string == "10.0.0.5")
        }
    }

    @Test("what is used and not debited yet is not spent twice, also when its compute is gone")
    func owed() async throws {
        try await TestCloud.with(settings: .billed) { cloud in
            try await cloud.topUp(Self.reserve + 5479)
            _ = try await cloud.createAndSettle(TestCloud.smallest)
            cloud.advance(hours: 2)
            _ = try await cloud.send(.delete, "/computes/1")
            try await cloud.settle()
            #expect(try await cloud.create(TestCloud.smallest).code == "INSUFFICIENT_BALANCE")
            try await cloud.topUp(5479, reference: "more")
            #expect(try await cloud.create(TestCloud.smallest).status == 202)
        }
    }

    @Test("a create that failed gives its reserve back")
    func failed() async throws {
        try await TestCloud.with(settings: .billed) { cloud in
            try await cloud.topUp(Self.reserve)
            await cloud.failCreates()
            let id = try await cloud.createAndSettle(TestCloud.smallest)
            #expect(try await cloud.state(id) == "FAILED")
            #expect(try await cloud.create(TestCloud.smallest).status == 202)
        }
    }

    @Test("a public address needs its fee, and in user mode, without one, does not")
    func address() async throws {
        let body = TestCloud.body(specification: "\"S-1C\"", more: ", \"withPublicIp\": true")
        try await TestCloud.with(settings: .billed) { cloud in
            try await cloud.topUp(Self.reserve + 1_999_999)
            #expect(try await cloud.create(body).code == "INSUFFICIENT_BALANCE")
            try await cloud.topUp(1, reference: "more")
            #expect(try await cloud.create(body).status == 202)
        }
        var userMode = CloudSettings.userMode
        userMode.billing = CloudSettings.billed.billing
        try await TestCloud.with(settings: userMode) { cloud in
            try await cloud.topUp(Self.reserve)
            #expect(try await cloud.create(body).status == 202)
        }
    }

    // MARK: Dry runs

    @Test(
        "a dry run answers with price, placement and days left, and makes nothing", arguments: [true, false])
    func dryRun(billed: Bool) async throws {
        try await TestCloud.with(settings: billed ? .billed : .test) { cloud in
            try await cloud.topUp(10_000_000)
            let body = TestCloud.body(specification: "\"S-1C\"", more: ", \"withPublicIp\": true")
            let key = ["Idempotency-Key": TestCloud.newKey()]
            for _ in 0..<2 {
                let answer = try await cloud.send(.post, "/computes?dryRun=true", headers: key, body: body)
                #expect(answer.status == 200)
                #expect(answer.data?["pricePerHour"]?.string == "5.479")
                #expect(answer.data?["pricePerMonth"]?.string == "3999.000")
                #expect(answer.data?["publicIpPerMonth"]?.string == "2000.000")
                #expect(answer.data?["region"]?.string == "KGL-1")
                #expect(answer.data?["daysLeft"]?.number == (billed ? 50 : nil))
            }
            #expect(try await cloud.send(.get, "/computes").json["meta"]?["total"]?.number == 0)
            let made = try await cloud.send(.post, "/computes?dryRun=false", headers: key, body: body)
            #expect(made.status == 202)
            #expect(made.headers[HTTPField.Name("Idempotent-Replayed") ?? .accept] == nil)
            // PostgreSQL does not give a number again that was undone with its row.
            if Engine.standard == .sqlite { #expect(made.data?["id"]?.string == "1") }
            #expect(made.data?["ipv4"]?.string == "203.0.113.0")
            #expect(made.data?["privateIpv4"]?.string == "10.0.0.5")
        }
    }

    /// The request of a create, with a key of its own and the parameter.
    private func dryRun(
        _ cloud: TestCloud, _ value: String = "true", as key: TestCloud.Key = .of(.owner), body: String
    ) async throws -> TestAnswer {
        try await cloud.send(
            .post, "/computes?dryRun=\(value)", as: key, headers: ["Idempotency-Key": TestCloud.newKey()],
            body: body)
    }

    static let refused: [(String, code: String)] = [
        (TestCloud.body(hostName: "\"-\""), "VALIDATION_ERROR"), ("{", "MALFORMED_JSON"),
        (TestCloud.body(image: "\"NONE\""), "RESOURCE_NOT_FOUND"),
        (TestCloud.body(), "INSUFFICIENT_BALANCE"),
        (TestCloud.body(specification: "\"S-1C\""), "UNPROCESSABLE_ENTITY"),
    ]

    @Test("a dry run is refused as the create would be", arguments: refused)
    func refusedDryRun(_ body: String, code: String) async throws {
        let capacity = Capacity(memoryMb: code == "UNPROCESSABLE_ENTITY" ? 100 : nil)
        try await TestCloud.with(settings: .billed, capacity: capacity) { cloud in
            try await cloud.topUp(Self.reserve)
            let dry = try await dryRun(cloud, body: body)
            let real = try await cloud.create(body)
            #expect(dry.code == code)
            #expect(real.code == code)
            #expect(dry.json["message"] == real.json["message"])
            #expect(dry.fields == real.fields)
        }
    }

    @Test("a dry run by a Member is forbidden, and bad parameters are 400")
    func badDryRun() async throws {
        try await TestCloud.with { cloud in
            let body = TestCloud.body()
            #expect(
                try await dryRun(cloud, as: .of(.member), body: body).code == "FORBIDDEN")
            for value in ["1", "TRUE", ""] {
                let answer = try await dryRun(cloud, value, body: body)
                #expect(answer.code == "BAD_REQUEST")
                #expect(answer.fields == ["dryRun"])
            }
            let badKey = try await cloud.send(
                .post, "/computes?dryRun=true", headers: ["Idempotency-Key": "x"], body: body)
            #expect(badKey.code == "INVALID_IDEMPOTENCY_KEY")
        }
    }
}

import ArgumentParser
import CloudClient
import CloudCore
import CloudTesting
import CloudWire
import Testing

@testable import strettch

@Suite("strettch billing")
struct BillingCommandTests {
    @Test("the wallet is shown as the server has it, with the prices")
    func wallet() async throws {
        try await TestCloud.with(settings: .billed) { cloud in
            try await cloud.topUp(20_000_000)
            try await cloud.live { server in
                try await StrettchClient.with(baseURL: server.url, key: cloud.secret(.of(.owner))) { client in
                    let billing = try await client.billing().data
                    let lines = OutputBilling.detail(billing).split(separator: "\n")
                    #expect(lines.first == "standing   ACTIVE")
                    #expect(lines.contains("balance    20000.000 RWF"))
                    #expect(lines.contains { $0.hasPrefix("S-1C ") && $0.contains("5.479") })
                    #expect(lines.suffix(3).map { $0.hasPrefix("public address") } == [true, false, false])
                    #expect(lines.suffix(2).map { $0.hasPrefix("GiB of a") } == [true, true])
                }
            }
        }
    }

    @Test("where nothing is billed there are the standing and the prices")
    func free() {
        let billing = BillingWire(
            enabled: false, currency: "RWF", standing: "ACTIVE",
            prices: PricesWire(
                specifications: [
                    SpecificationPriceWire(
                        specification: "S-1C", pricePerHour: "5.479", pricePerMonth: "3999.000")
                ], publicIpPerMonth: "2000.000"))
        #expect(
            OutputBilling.detail(billing) == """
                standing   ACTIVE
                Nothing is billed here; these are the prices all the same.

                SPECIFICATION   RWF AN HOUR  RWF A MONTH
                S-1C            5.479        3999.000
                public address  -            2000.000
                """)
    }

    @Test("the ledger is read over all of its pages, each entry once, the newest last")
    func ledger() async throws {
        try await TestCloud.with(settings: .billed) { cloud in
            for number in 1...130 { try await cloud.topUp(1000, reference: "payment-\(number)") }
            try await cloud.live { server in
                try await StrettchClient.with(baseURL: server.url, key: cloud.secret(.of(.owner))) { client in
                    let all = try await client.newestLedger(1000)
                    #expect(all.map(\.number) == (1...130).reversed().map { Int64($0) })
                    let newest = try await client.newestLedger(105)
                    #expect(newest == Array(all.prefix(105)))
                    let table = OutputBilling.ledger(Array(newest.prefix(2).reversed()))
                    let last = table.split(separator: "\n").last
                    #expect(last?.contains("payment-130") == true)
                    #expect(last?.hasSuffix("1.000   130.000") == true)
                }
            }
        }
    }

    @Test("options are checked at once, and the wallet is what is shown without a word more")
    func options() throws {
        #expect(try BillingCommand.parseAsRoot([]) is BillingShowCommand)
        #expect(try BillingLedgerCommand.parse(["--limit", "7"]).limit == 7)
        #expect(throws: (any Error).self) { try BillingLedgerCommand.parse(["--limit", "0"]) }
        #expect(OutputBilling.ledger([]) == "Nothing has changed the balance yet.")
    }
}

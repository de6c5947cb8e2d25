import CloudCore
import Testing

@testable import CloudMachines

@Suite("The ruleset")
struct RulesetTests {
    private func render(_ attachments: NetworkAttachment...) throws -> String {
        Ruleset.render(try NetworkLayout(NetworkPlan(attachments: attachments), NetworkSettings()))
    }

    @Test("without machines takes our tables away, there or not, and leaves what counts connections")
    func empty() throws {
        #expect(try render() == Self.removal)
    }

    @Test("for two teams is this text")
    func golden() throws {
        let text = try render(
            try NetworkLab.attachment(compute: 7, team: 2),
            try NetworkLab.attachment(compute: 5, team: 1, publicIpv4: "203.0.113.5"))
        #expect(text == Self.removal + RulesetGolden.twoTeams + RulesetGolden.limits)
    }

    @Test("does not depend on the order of the plan")
    func order() throws {
        let attachments = try (5...9).map { try NetworkLab.attachment(compute: $0, team: UInt32($0 % 2 + 1)) }
        let settings = try NetworkSettings()
        let forwards = try NetworkLayout(NetworkPlan(attachments: attachments), settings)
        let backwards = try NetworkLayout(NetworkPlan(attachments: attachments.reversed()), settings)
        #expect(Ruleset.render(forwards) == Ruleset.render(backwards))
    }

    @Test("makes what counts connections anew only when it is told to")
    func renewed() throws {
        let plan = NetworkPlan(attachments: [try NetworkLab.attachment(compute: 5, team: 1)])
        let layout = try NetworkLayout(plan, NetworkSettings())
        let removal = "table inet strettch_st_limits\ndelete table inet strettch_st_limits\n"
        #expect(!Ruleset.render(layout).contains(removal))
        #expect(
            Ruleset.render(layout, renewsLimits: true).hasSuffix(removal + RulesetGolden.limits))
    }

    @Test("counts under the limit that is set")
    func limit() throws {
        let plan = NetworkPlan(attachments: [try NetworkLab.attachment(compute: 5, team: 1)])
        let text = Ruleset.render(try NetworkLayout(plan, NetworkSettings(guestConnections: 500)))
        #expect(text.contains("add @from_500 { ip saddr ct count over 500 }"))
        #expect(text.contains("add @to_500 { ip daddr ct count over 500 }") && !text.contains("_8192"))
    }

    @Test("holds machines of which none has a guest in the network")
    func spare() throws {
        let layout = try NetworkLayout(NetworkPlan(attachments: [], spareTaps: [5]), NetworkSettings())
        #expect(Ruleset.render(layout).contains("meta skuid 1879048192-1912602623 goto machine"))
    }

    @Test("names tables and interfaces after the installation's prefix")
    func prefix() throws {
        let plan = NetworkPlan(attachments: [try NetworkLab.attachment(compute: 5, team: 1)])
        let text = Ruleset.render(try NetworkLayout(plan, NetworkSettings(namePrefix: "lab")))
        #expect(text.contains("table inet strettch_lab") && text.contains("\"lab-t5\""))
        #expect(!text.contains("strettch_st") && !text.contains("\"st-"))
    }

    private static let removal = """
        table inet strettch_st
        delete table inet strettch_st
        table bridge strettch_st
        delete table bridge strettch_st
        table arp strettch_st
        delete table arp strettch_st

        """
}

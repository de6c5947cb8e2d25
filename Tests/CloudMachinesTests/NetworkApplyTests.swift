import CloudCore
import Testing

@testable import CloudMachines

/// What applying plans makes of a host's kernel, looked at with the host's own tools.
@Suite(
    "Applying a network plan", .serialized, .enabled(if: NetworkLab.isRoot, "network namespaces need root"))
struct NetworkApplyTests {
    private static func plan() throws -> NetworkPlan {
        NetworkPlan(attachments: [
            try NetworkLab.attachment(compute: 5, team: 1, publicIpv4: "203.0.113.5"),
            try NetworkLab.attachment(compute: 6, team: 1),
            try NetworkLab.attachment(compute: 7, team: 2),
        ])
    }

    private func interfaces(_ lab: NetworkLab) async throws -> String {
        try await lab.run(lab.host, "ip", "-details", "-json", "address")
    }

    /// All of the interfaces with their numbers and addresses, without the timers of `-details`.
    private func summary(_ lab: NetworkLab) async throws -> String {
        try await lab.run(lab.host, "ip", "-json", "address")
    }

    @Test("makes bridges, taps and addresses")
    func makes() async throws {
        try await NetworkLab.with { lab, _ in
            try await lab.network.apply(try Self.plan())
            let present = try PresentNetwork(json: await interfaces(lab))
            let bridge = try #require(present.interface("st-br1"))
            #expect(bridge.isUp && bridge.kind == "bridge" && bridge.mac == "52:54:0a:00:04:01")
            #expect(bridge.addresses.map { "\($0.address)/\($0.prefix)" } == ["10.0.4.1/22"])
            let tap = try #require(present.interface("st-t7"))
            #expect(tap.isUp && tap.kind == "tun" && tap.isHairpin && tap.master == "st-br2")
            let loopback = try #require(present.interface("lo"))
            #expect(
                loopback.addresses.filter { $0.label == "lo:st" }.map { "\($0.address)" } == [
                    "169.254.83.84", "203.0.113.5",
                ])
            #expect(try await lab.run(lab.host, "cat", "/proc/sys/net/ipv4/ip_forward") == "1\n")
        }
    }

    @Test("twice changes nothing the second time")
    func twice() async throws {
        try await NetworkLab.with { lab, _ in
            let plan = try Self.plan()
            try await lab.network.apply(plan)
            let first = try await interfaces(lab)
            let before = try await summary(lab)
            let layout = try NetworkLayout(plan, lab.network.settings)
            #expect(try NetworkChanges(from: PresentNetwork(json: first), to: layout).lines == [])
            let rules = try await lab.run(lab.host, "nft", "list", "ruleset")
            try await lab.network.apply(plan)
            #expect(try await summary(lab) == before)
            let now = try await lab.run(lab.host, "nft", "list", "ruleset")
            #expect(RulesetListing(now) == RulesetListing(rules))
        }
    }

    @Test("an empty plan leaves nothing of ours but what counts connections, and all of other people's")
    func empty() async throws {
        try await NetworkLab.with { lab, _ in
            try await lab.run(
                lab.host, "ip", "-batch", "-",
                input: """
                    link add br0 type bridge
                    link add st-brx type bridge
                    address add 192.0.2.9/32 dev lo

                    """)
            try await lab.run(
                lab.host, "nft", "-f", "-",
                input: """
                    table inet other {
                        chain forwarding {
                            type filter hook forward priority 5; policy accept;
                        }
                    }
                    """)
            let before = try await summary(lab)
            let rules = try await lab.run(lab.host, "nft", "list", "ruleset")
            try await lab.network.apply(try Self.plan())
            #expect(try await lab.run(lab.host, "nft", "list", "tables").contains("table bridge strettch_st"))
            try await lab.network.apply(NetworkPlan(attachments: []))
            #expect(try await summary(lab) == before)
            try await lab.run(lab.host, "nft", "delete", "table", "inet", "strettch_st_limits")
            #expect(try await lab.run(lab.host, "nft", "list", "ruleset") == rules)
            #expect(try await !lab.run(lab.host, "ip", "route", "show", "table", "all").contains("10.0."))
        }
    }

    @Test("what went missing or was changed by hand comes back")
    func heals() async throws {
        try await NetworkLab.with { lab, _ in
            let plan = try Self.plan()
            try await lab.network.apply(plan)
            let first = try PresentNetwork(json: await interfaces(lab))
            try await lab.run(lab.host, "nft", "flush", "ruleset")
            try await lab.run(
                lab.host, "ip", "-batch", "-",
                input: """
                    link set st-t5 down
                    link set st-t6 nomaster
                    link delete st-br2
                    address delete 203.0.113.5/32 dev lo
                    address add 10.9.9.1/24 dev st-br1

                    """)
            try await lab.network.apply(plan)
            let second = try PresentNetwork(json: await interfaces(lab))
            #expect(
                second.interfaces.sorted { $0.name < $1.name }
                    == first.interfaces.sorted { $0.name < $1.name })
            #expect(try await lab.run(lab.host, "nft", "list", "tables").contains("table inet strettch_st"))
        }
    }

    @Test("a failing command is reported with its own words and what to do")
    func failure() async throws {
        let network = BridgedNetwork(
            settings: try NetworkSettings(), commandPrefix: ["ip", "netns", "exec", "no-such-space"])
        let error = await #expect(throws: CloudError.self) { try await network.apply(try Self.plan()) }
        #expect(error?.message.contains("strettch doctor") == true)
        #expect(error?.detail?.contains("no-such-space") == true)
    }
}

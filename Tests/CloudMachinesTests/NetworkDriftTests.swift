import CloudCore
import Testing

@testable import CloudMachines

/// What somebody does by hand to a network that was applied, with the host's own tools: it is seen, and put right.
@Suite("Network drift", .serialized, .enabled(if: NetworkLab.isRoot, "network namespaces need root"))
struct NetworkDriftTests {
    private static func plan() throws -> NetworkPlan {
        NetworkPlan(attachments: [
            try NetworkLab.attachment(compute: 5, team: 1, publicIpv4: "203.0.113.5"),
            try NetworkLab.attachment(compute: 6, team: 1),
            try NetworkLab.attachment(compute: 7, team: 2),
        ])
    }

    /// A deed, and how the one line begins that tells of it.
    private static let deeds: [(command: [String], lines: [String])] = [
        (["ip", "link", "delete", "st-t6"], ["the interfaces need 'ip tuntap add dev st-t6 mode tap"]),
        (["ip", "link", "set", "st-br2", "down"], ["the interfaces need 'ip link set dev st-br2 up'"]),
        (["ip", "link", "delete", "st-br2"], ["the interfaces need 'ip link add name st-br2 "]),
        (
            ["ip", "address", "delete", "203.0.113.5/32", "dev", "lo"],
            ["the interfaces need 'ip address add 203.0.113.5/32 dev lo label lo:st'"]
        ),
        (
            ["ip", "address", "add", "203.0.113.9/32", "dev", "lo", "label", "lo:st"],
            ["the interfaces need 'ip address delete 203.0.113.9/32 dev lo'"]
        ),
        (
            ["nft", "delete", "element", "bridge", "strettch_st", "reflected", "{ \"st-t6\" . \"st-t6\" }"],
            ["nftables: bridge strettch_st, set reflected lacks 'element \"st-t6\" . \"st-t6\"'"]
        ),
        (
            ["nft", "delete", "element", "inet", "strettch_st", "team_networks", "{ 10.0.8.0/22 }"],
            ["nftables: inet strettch_st, set team_networks lacks 'element 10.0.8.0/22'"]
        ),
        (
            [
                "nft", "add", "element", "inet", "strettch_st", "public_to_private",
                "{ 203.0.113.9 : 10.0.4.6 }",
            ],
            [
                "nftables: inet strettch_st, map public_to_private has 'element 203.0.113.9 : 10.0.4.6', which is not ours"
            ]
        ),
        (
            ["nft", "insert", "rule", "inet", "strettch_st", "forwarding", "accept"],
            ["nftables: inet strettch_st, chain forwarding has 'accept', which is not ours"]
        ),
        (
            ["nft", "flush", "chain", "arp", "strettch_st", "local_input"],
            [
                "nftables: arp strettch_st, chain local_input lacks 'arp daddr ip 169.254.83.84 drop",
                "nftables: arp strettch_st, chain local_input lacks 'iifname \"st-t*\" drop'",
            ]
        ),
        (["nft", "delete", "table", "bridge", "strettch_st"], ["nftables: bridge strettch_st is not there"]),
        (
            ["nft", "flush", "ruleset"],
            ["arp", "bridge", "inet"].map { "nftables: \($0) strettch_st is not there" }
                + ["nftables: inet strettch_st_limits is not there"]
        ),
        (["sysctl", "-q", "-w", "net.ipv4.ip_forward=0"], ["net.ipv4.ip_forward is not 1"]),
        (
            ["sysctl", "-q", "-w", "net.ipv4.conf.st-br2.forwarding=0"],
            ["net.ipv4.conf.st-br2.forwarding is not 1"]
        ),
        (
            ["nft", "add", "rule", "inet", "strettch_st_limits", "departure", "accept"],
            ["nftables: inet strettch_st_limits, chain departure has 'accept', which is not ours"]
        ),
        (
            ["nft", "flush", "chain", "inet", "strettch_st_limits", "machine"],
            ["nftables: inet strettch_st_limits, chain machine lacks 'drop'"]
        ),
        (
            ["nft", "add", "set", "inet", "strettch_st_limits", "more", "{ type ipv4_addr; }"],
            ["nftables: inet strettch_st_limits, set more is there, and is not ours"]
        ),
        (
            ["nft", "delete", "table", "inet", "strettch_st_limits"],
            ["nftables: inet strettch_st_limits is not there"]
        ),
    ]

    @Test("what is done by hand is seen, and nothing is any more once the plan is applied again")
    func seen() async throws {
        try await NetworkLab.with { lab, _ in
            let plan = try Self.plan()
            #expect(try await lab.network.drift(from: plan).count > 3, "nothing is applied yet")
            try await lab.network.apply(plan)
            #expect(try await lab.network.drift(from: plan) == [])
            for deed in Self.deeds {
                try await Command("ip", ["netns", "exec", lab.host] + deed.command).run()
                let lines = try await lab.network.drift(from: plan)
                for line in deed.lines {
                    #expect(lines.contains { $0.hasPrefix(line) }, "\(deed.command): \(lines)")
                }
                #expect(lines.count < 10, "\(deed.command): \(lines)")
                try await lab.network.apply(plan)
                let left = try await lab.network.drift(from: plan)
                #expect(left == [], "\(deed.command)")
            }
            try await lab.network.apply(NetworkPlan(attachments: []))
            #expect(try await lab.network.drift(from: NetworkPlan(attachments: [])) == [])
        }
    }

    @Test("an interface to the outside that does not forward is told of, and left alone")
    func uplink() async throws {
        try await NetworkLab.with { lab, _ in
            let plan = try Self.plan()
            try await lab.network.apply(plan)
            for interface in ["uplink", "default"] {
                try await lab.run(lab.host, "sysctl", "-q", "-w", "net.ipv4.conf.\(interface).forwarding=0")
            }
            let told = [
                "net.ipv4.conf.uplink.forwarding is not 1, so no guest gets what comes in through uplink. It is not ours: "
                    + "set it by hand"
            ]
            #expect(try await lab.network.drift(from: plan) == told)
            try await lab.network.apply(plan)
            #expect(try await lab.network.drift(from: plan) == told)
            try await lab.run(lab.host, "sysctl", "-q", "-w", "net.ipv4.conf.uplink.forwarding=1")
            // Bridges that are made now begin without, since `default` says so.
            try await lab.network.apply(NetworkPlan(attachments: []))
            try await lab.network.apply(plan)
            #expect(try await lab.network.drift(from: plan) == [])
        }
    }

    @Test("what the kernel counts is none, and a limit that was changed is")
    func counts() async throws {
        let attachments = [try NetworkLab.attachment(compute: 5, team: 1)]
        try await NetworkLab.with(attachments) { lab, guests in
            let plan = NetworkPlan(attachments: attachments)
            try await lab.network.apply(plan)
            #expect(await lab.pings(guests[0].space, NetworkLab.outsideAddress))
            #expect(try await lab.counted("from_8192", of: guests[0]))
            #expect(try await lab.network.drift(from: plan) == [])
            var network = BridgedNetwork(
                settings: try NetworkSettings(guestConnections: 500), commandPrefix: lab.network.commandPrefix
            )
            network.announce = lab.network.announce
            try await network.apply(plan)
            let lines = try await network.drift(from: plan)
            #expect(
                lines.contains("nftables: inet strettch_st_limits, set from_8192 is there, and is not ours"))
            try await network.apply(plan)
            #expect(try await network.drift(from: plan) == [])
        }
    }

    @Test("what is other people's is none: their tables, interfaces and addresses")
    func foreign() async throws {
        try await NetworkLab.with { lab, _ in
            let plan = try Self.plan()
            try await lab.network.apply(plan)
            try await lab.run(lab.host, "nft", "add", "table", "inet", "theirs")
            try await lab.run(lab.host, "ip", "link", "add", "br0", "type", "bridge")
            try await lab.run(lab.host, "ip", "address", "add", "192.0.2.9/32", "dev", "lo")
            #expect(try await lab.network.drift(from: plan) == [])
        }
    }

    @Test("a line tells whose machine it is about, by its tap or an address, and by no other number like it")
    func about() throws {
        let machine = try NetworkLab.attachment(compute: 5, team: 1, publicIpv4: "203.0.113.5")
        for line in [
            "the interfaces need 'ip link set dev st-t5 up'", "lacks 'element 203.0.113.5 : 10.0.4.5'",
            "the interfaces need 'ip address add 203.0.113.5/32 dev lo label lo:st'",
        ] {
            #expect(NetworkDrift([line]).isAbout(machine), "\(line)")
        }
        for line in ["dev st-t55 up", "203.0.113.55", "10.0.4.50/32", "st-br5"] {
            #expect(!NetworkDrift([line]).isAbout(machine), "\(line)")
        }
    }

    @Test("a machine on its way in or out owes nothing, and hides nothing of the others'")
    func underWay() async throws {
        let host = SimulatedHost()
        let places = try [(Int64(1), ComputeStep.network), (2, .idle), (3, .detach)].map { id, step in
            try Self.place(id, step)
        }
        let all = NetworkPlan(places) { $0 != .mustNot }
        for present in [all, NetworkPlan(places) { $0 == .must }] {
            try await host.applyNetwork(present)
            #expect(try await host.networkDrift(of: places) == [])
        }
        try await host.applyNetwork(NetworkPlan(attachments: all.attachments.filter { $0.computeId == 1 }))
        #expect(try await host.networkDrift(of: places) == ["the tap st-t2 is not there"])
    }

    static func place(_ id: Int64, _ step: ComputeStep) throws -> ComputePlace {
        ComputePlace(
            computeId: id, teamId: 1, network: try #require(IPv4Network("10.0.0.0/22")),
            privateIpv4: IPv4Address(10 << 24 | UInt32(4 + id)), publicIpv4: nil, sshPort: nil, step: step)
    }
}

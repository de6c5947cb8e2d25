import CloudCore
import CloudTesting
import Testing

@testable import CloudMachines

/// What somebody does by hand to a network over many hosts: it is seen, and put right.
@Suite("Drift of many hosts", .serialized, .enabled(if: NetworkLab.isRoot, "namespaces need root"))
struct HostsDriftTests {
    /// A deed on the first host, and how the lines begin that tell of it.
    private static let deeds: [(command: String, lines: [String])] = [
        (
            "bridge fdb delete 52:54:0a:00:04:06 dev st-vx1 dst 192.168.77.2 self",
            [
                "the tunnels need 'bridge fdb replace 52:54:0a:00:04:06 dev st-vx1 dst 192.168.77.2 self permanent'"
            ]
        ),
        (
            "bridge fdb delete 52:54:0a:00:04:06 dev st-vx1 master",
            ["the tunnels need 'bridge fdb replace 52:54:0a:00:04:06 dev st-vx1 master static'"]
        ),
        (
            "bridge fdb replace 52:54:0a:00:04:06 dev st-vx1 dst 192.168.77.99 self permanent",
            [
                "the tunnels need 'bridge fdb replace 52:54:0a:00:04:06 dev st-vx1 dst 192.168.77.2 self permanent'"
            ]
        ),
        (
            "bridge fdb append 00:00:00:00:00:00 dev st-vx1 dst 192.168.77.99 self permanent",
            ["the tunnels need 'bridge fdb delete 00:00:00:00:00:00 dev st-vx1 dst 192.168.77.99 self'"]
        ),
        (
            "bridge fdb add 52:54:0a:00:04:4d dev st-vx1 dst 192.168.77.2 port 4444 vni 9 self permanent",
            [
                "the tunnels need 'bridge fdb delete 52:54:0a:00:04:4d dev st-vx1 dst 192.168.77.2 port 4444 vni 9 self'"
            ]
        ),
        (
            "bridge fdb add 52:54:0a:00:04:4d dev st-vx1 master static",
            ["the tunnels need 'bridge fdb delete 52:54:0a:00:04:4d dev st-vx1 master'"]
        ),
        (
            "bridge fdb replace 52:54:0a:00:04:06 dev st-t5 master static",
            ["the tunnels need 'bridge fdb replace 52:54:0a:00:04:06 dev st-vx1 master static'"]
        ),
        (
            "ip neighbour delete 10.0.4.6 dev st-br1",
            [
                "the interfaces need 'ip neighbour replace 10.0.4.6 lladdr 52:54:0a:00:04:06 dev st-br1 nud permanent'"
            ]
        ),
        (
            "ip neighbour replace 10.0.4.6 lladdr 02:00:00:00:00:09 dev st-br1 nud permanent",
            [
                "the interfaces need 'ip neighbour replace 10.0.4.6 lladdr 52:54:0a:00:04:06 dev st-br1 nud permanent'"
            ]
        ),
        (
            "ip neighbour add 10.0.4.77 lladdr 52:54:0a:00:04:4d dev st-br1 nud permanent",
            ["the interfaces need 'ip neighbour delete 10.0.4.77 dev st-br1'"]
        ),
        ("ip link delete st-vx1", ["the interfaces need 'ip link add name st-vx1 mtu 1450 type vxlan id 1 "]),
        ("ip link set st-vx1 down", ["the interfaces need 'ip link set dev st-vx1 up'"]),
        ("ip link set st-vx1 mtu 1400", ["the interfaces need 'ip link set dev st-vx1 mtu 1450'"]),
        ("ip link set st-br1 mtu 1300", ["the interfaces need 'ip link set dev st-br1 mtu 1450'"]),
        ("ip link set st-vx1 nomaster", ["the interfaces need 'ip link set dev st-vx1 master st-br1'"]),
        (
            "ip link set st-vx1 type bridge_slave bcast_flood on",
            ["the interfaces need 'ip link set dev st-vx1 type bridge_slave hairpin off learning off"]
        ),
        (
            "bridge link set dev st-vx1 neigh_suppress off",
            ["the interfaces need 'ip link set dev st-vx1 type bridge_slave hairpin off learning off"]
        ),
        (
            "bridge link set dev st-vx1 hairpin on",
            ["the interfaces need 'ip link set dev st-vx1 type bridge_slave"]
        ),
        (
            "ip link add st-vx9 type vxlan id 9 local 192.168.77.1 dstport 4789 nolearning",
            ["the interfaces need 'ip link delete dev st-vx9'"]
        ),
        (
            "nft add element inet strettch_st senders { 192.168.77.99 . 0x1 . 0x52540a000406 }",
            [
                "nftables: inet strettch_st, set senders has 'element 192.168.77.99 . 0x1 . 0x52540a000406', which is not ours"
            ]
        ),
        (
            "nft flush chain inet strettch_st tunnel_input",
            ["nftables: inet strettch_st, chain tunnel_input lacks 'udp dport 4789 drop"]
        ),
        (
            "nft flush chain bridge strettch_st tunnel_output",
            ["nftables: bridge strettch_st, chain tunnel_output lacks"]
        ),
    ]

    @Test("what is done by hand is seen, and nothing is any more once the plan is applied again")
    func seen() async throws {
        try await HostsLab.with(try HostsReachTests.places()) { lab, guests in
            let (host, plan) = (lab.hosts[0], try lab.plan(0, guests))
            #expect(try await host.network.drift(from: plan).count > 3, "nothing is applied yet")
            try await lab.apply(guests)
            #expect(try await host.network.drift(from: plan) == [])
            for deed in Self.deeds {
                let words = deed.command.split(separator: " ").map(String.init)
                try await Command("ip", ["netns", "exec", host.host] + words).run()
                let lines = try await host.network.drift(from: plan)
                for line in deed.lines {
                    #expect(lines.contains { $0.hasPrefix(line) }, "\(deed.command): \(lines)")
                }
                #expect(lines.count < 10, "\(deed.command): \(lines)")
                try await host.network.apply(plan)
                let left = try await host.network.drift(from: plan)
                #expect(left == [], "\(deed.command)")
            }
            #expect(await host.pings(guests[0].space, guests[1].address))
        }
    }

    @Test("a device of another number, host or port is made anew, with all that it must know")
    func madeAnew() async throws {
        try await HostsLab.with(try HostsReachTests.places()) { lab, guests in
            let (host, plan) = (lab.hosts[0], try lab.plan(0, guests))
            for made in [
                "id 9 local 192.168.77.1 dstport 4789 nolearning",
                "id 1 local 198.51.100.11 dstport 4789 nolearning",
                "id 1 local 192.168.77.1 dstport 4444 nolearning",
                "id 1 local 192.168.77.1 dstport 4789 learning",
            ] {
                try await lab.apply(guests)
                try await lab.batch(
                    host.host, "link delete st-vx1\nlink add st-vx1 mtu 1450 type vxlan \(made)")
                let drift = try await host.network.drift(from: plan)
                #expect(drift.contains("the interfaces need 'ip link delete dev st-vx1'"), "\(made)")
                try await host.network.apply(plan)
                let left = try await host.network.drift(from: plan)
                #expect(left == [], "\(made)")
                #expect(await host.pings(guests[0].space, guests[1].address), "\(made)")
            }
        }
    }

    @Test("applying twice changes nothing the second time")
    func twice() async throws {
        try await HostsLab.with(try HostsReachTests.places()) { lab, guests in
            let host = lab.hosts[0]
            func summary() async throws -> [String] {
                [
                    try await host.run(host.host, "ip", "-json", "address"),
                    try await host.run(host.host, "bridge", "-json", "fdb", "show"),
                    try await host.run(host.host, "ip", "-json", "neighbour", "show", "nud", "permanent"),
                    // One of the tables is kept, and so comes to stand before the others.
                    "\(RulesetListing(try await host.run(host.host, "nft", "list", "ruleset")).lines.sorted { $0.key < $1.key })",
                ]
            }
            try await lab.apply(guests)
            // The kernel looks in its own time whether new links are up and their IPv6 addresses nobody else's.
            var before = try await summary()
            try await eventually("the kernel is done with the new links") {
                let now = try await summary()
                defer { before = now }
                return now == before && !now[0].contains("tentative")
            }
            try await lab.apply(guests)
            #expect(try await summary() == before)
        }
    }
}

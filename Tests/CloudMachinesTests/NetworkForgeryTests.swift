import CloudCore
import Testing

@testable import CloudMachines

/// A guest sends what it must not, frame by frame. Each forgery is also sent with our bridge table taken away, where it
/// must arrive: that proves that the test would see it.
@Suite("Against forged frames", .serialized, .enabled(if: NetworkLab.isRoot, "network namespaces need root"))
struct NetworkForgeryTests {
    private static let own = "52:54:0a:00:04:05"
    private static let ownAddress = "10.0.4.5"
    private static let teammate = "52:54:0a:00:04:06"
    private static let stranger = "02:00:00:00:00:09"
    /// An address that nobody has, so that nothing answers and every frame that is counted was sent by the test.
    private static let nobody = "10.0.4.77"
    /// Another such, for the honest frame alone.
    private static let honest = "10.0.4.78"

    private static func frame(
        from: String = own, type: UInt16 = NetworkFrame.ipv4, _ payload: [UInt8]
    ) -> String {
        NetworkFrame.ethernet(to: teammate, from: from, type: type, payload)
    }

    private static func forgeries() throws -> [(name: String, frame: String)] {
        let honest = try NetworkFrame.udp(from: ownAddress, to: nobody)
        let spoofed = try NetworkFrame.udp(from: "10.0.4.1", to: nobody)
        let tag = NetworkFrame.bytes(7)
        let arp = try NetworkFrame.arpReply(hardware: own, from: ownAddress, target: nobody)
        return [
            ("IPv4 from the gateway", frame(spoofed)),
            ("IPv4 from an unknown address", frame(try NetworkFrame.udp(from: "10.0.4.99", to: nobody))),
            ("IPv4 from outside", frame(try NetworkFrame.udp(from: "192.0.2.1", to: nobody))),
            ("another Ethernet source", frame(from: stranger, honest)),
            ("the teammate's Ethernet source", frame(from: teammate, honest)),
            (
                "ARP for the gateway",
                frame(
                    type: NetworkFrame.arp,
                    try NetworkFrame.arpReply(hardware: own, from: "10.0.4.1", target: nobody))
            ),
            (
                "ARP with another hardware address",
                frame(
                    type: NetworkFrame.arp,
                    try NetworkFrame.arpReply(hardware: stranger, from: ownAddress, target: nobody))
            ),
            ("ARP from another Ethernet source", frame(from: stranger, type: NetworkFrame.arp, arp)),
            ("ARP of another hardware type", frame(type: NetworkFrame.arp, [0, 6] + arp.dropFirst(2))),
            (
                "a DHCP offer",
                frame(try NetworkFrame.udp(from: ownAddress, to: nobody, sourcePort: 67, port: 68))
            ),
            (
                "IPv6",
                frame(type: 0x86dd, [0x60, 0, 0, 0, 0, 0, 59, 64] + Array(repeating: 0, count: 31) + [1])
            ),
            (
                "VLAN with a spoofed address",
                frame(type: NetworkFrame.vlan, tag + NetworkFrame.bytes(0x0800) + spoofed)
            ),
            (
                "VLAN with its own address",
                frame(type: NetworkFrame.vlan, tag + NetworkFrame.bytes(0x0800) + honest)
            ),
            ("VLAN zero with a spoofed address", frame(type: NetworkFrame.vlan, [0, 0, 8, 0] + spoofed)),
            ("reverse ARP", frame(type: 0x8035, arp)),
            ("LLDP", frame(type: 0x88cc, [2, 7, 4])),
        ]
    }

    @Test("nothing gets through that is not IPv4 or ARP in the guest's own name", arguments: [0, 1])
    func forgedFrames(bridgeFilter: Int) async throws {
        let attachments = try [5, 6].map { try NetworkLab.attachment(compute: $0, team: 1) }
        try await NetworkLab.with(attachments) { lab, guests in
            for tables in ["iptables", "ip6tables"] {
                try await lab.run(
                    lab.host, "sysctl", "-q", "-w", "net.bridge.bridge-nf-call-\(tables)=\(bridgeFilter)")
            }
            try await lab.network.apply(NetworkPlan(attachments: attachments))
            for forgery in try Self.forgeries() {
                let seen = try await arrivals(forgery.frame, lab, guests)
                #expect(seen == 0, "\(forgery.name)")
            }
            guard bridgeFilter == 0 else { return }
            try await lab.run(lab.host, "nft", "delete", "table", "bridge", "strettch_st")
            for forgery in try Self.forgeries() where !forgery.name.hasPrefix("the teammate's") {
                let seen = try await arrivals(forgery.frame, lab, guests)
                #expect(seen == 1, "\(forgery.name), without our table")
            }
        }
    }

    @Test("nothing comes in from outside with a source that only guests have, or that nobody may have")
    func forgedOutside() async throws {
        let attachments = [
            try NetworkLab.attachment(compute: 5, team: 1, publicIpv4: "203.0.113.5"),
            try NetworkLab.attachment(compute: 7, team: 2, publicIpv4: "203.0.113.7"),
        ]
        try await NetworkLab.with(attachments) { lab, guests in
            let plan = NetworkPlan(attachments: attachments)
            try await lab.network.apply(plan)
            let uplink = try await lab.run(lab.host, "cat", "/sys/class/net/uplink/address")
                .filter { !$0.isNewline }
            func send(_ source: String) async throws {
                try await lab.send(
                    NetworkFrame.ethernet(
                        to: uplink, from: Self.stranger, type: NetworkFrame.ipv4,
                        try NetworkFrame.udp(from: source, to: "203.0.113.5")),
                    from: lab.outside)
            }
            let forged = ["10.0.4.6", "10.0.8.7", "10.0.4.1", "10.200.0.9", "169.254.169.254", "0.0.0.9"]
            // The kernel itself takes none of its own addresses from outside, nor those of loopback and groups.
            for source in forged + ["203.0.113.7", "127.0.0.1", "224.0.0.1"] {
                try await lab.count(
                    "ip daddr \(Self.ownAddress) ip saddr \(source)",
                    "ip daddr \(Self.ownAddress) ip saddr 192.0.2.77", at: guests[0].space)
                try await send(source)
                try await send("192.0.2.77")
                #expect(try await lab.countedBeforeHonest(at: guests[0].space) == 0, "\(source)")
            }
            let rules = Ruleset.render(try NetworkLayout(plan, lab.network.settings))
                .split(separator: "\n").filter { !$0.contains("forged outside") }.joined(separator: "\n")
            try await lab.run(lab.host, "nft", "-f", "-", input: rules + "\n")
            for source in forged.dropFirst(3).dropLast() {
                try await lab.count(
                    "ip daddr \(Self.ownAddress) ip saddr \(source)",
                    "ip daddr \(Self.ownAddress) ip saddr 192.0.2.77", at: guests[0].space)
                try await send(source)
                try await send("192.0.2.77")
                #expect(
                    try await lab.countedBeforeHonest(at: guests[0].space) == 1,
                    "\(source), without our rules")
            }
        }
    }

    @Test("IP in a group frame does not get past the bridge into the host")
    func groupFrames() async throws {
        let attachments = [try NetworkLab.attachment(compute: 5, team: 1)]
        try await NetworkLab.with(attachments) { lab, guests in
            try await lab.network.apply(NetworkPlan(attachments: attachments))
            let packet = try NetworkFrame.udp(from: Self.ownAddress, to: NetworkLab.uplinkAddress)
            // The bridge filter sees the first kind of frame and not the second.
            let frames = ["01:80:c2:00:00:03", "01:80:c2:00:00:0e"].map {
                NetworkFrame.ethernet(to: $0, from: Self.own, type: NetworkFrame.ipv4, packet)
            }
            try await watch(lab)
            for frame in frames { try await lab.send(frame, from: guests[0].space) }
            #expect(try await watched(lab) == ["arrived": 1, "entered": 0])
            try await lab.run(lab.host, "nft", "delete", "table", "bridge", "strettch_st")
            for frame in frames { try await lab.send(frame, from: guests[0].space) }
            #expect(try await watched(lab) == ["arrived": 3, "entered": 0], "the second guard holds alone")
            try await lab.run(lab.host, "nft", "delete", "table", "inet", "strettch_st")
            for frame in frames { try await lab.send(frame, from: guests[0].space) }
            #expect(try await watched(lab) == ["arrived": 5, "entered": 2], "without both the host has them")
        }
    }

    @Test("ARP in a group frame teaches the host nothing")
    func groupARP() async throws {
        let attachments = [try NetworkLab.attachment(compute: 5, team: 1)]
        try await NetworkLab.with(attachments) { lab, guests in
            try await lab.network.apply(NetworkPlan(attachments: attachments))
            var request = try NetworkFrame.arpReply(
                hardware: Self.own, from: Self.nobody, target: NetworkLab.uplinkAddress)
            request[7] = 1
            let frame = NetworkFrame.ethernet(
                to: "01:80:c2:00:00:0e", from: Self.own, type: NetworkFrame.arp, request)
            try await lab.send(frame, from: guests[0].space)
            #expect(try await !lab.run(lab.host, "ip", "neighbour").contains(Self.nobody))
            try await lab.run(lab.host, "nft", "delete", "table", "arp", "strettch_st")
            try await lab.send(frame, from: guests[0].space)
            #expect(try await lab.run(lab.host, "ip", "neighbour").contains(Self.nobody), "without our table")
        }
    }

    /// How many copies of the frame the teammate gets. An honest frame is sent after it, and waited for.
    private func arrivals(_ frame: String, _ lab: NetworkLab, _ guests: [NetworkLab.Guest]) async throws
        -> Int
    {
        let toTeammate = "ether daddr \(Self.teammate)"
        try await lab.count(toTeammate, "\(toTeammate) ip daddr \(Self.honest)", at: guests[1].space)
        try await lab.send(frame, from: guests[0].space)
        let honest = Self.frame(try NetworkFrame.udp(from: Self.ownAddress, to: Self.honest))
        try await lab.send(honest, from: guests[0].space)
        // The first counts the honest one too.
        return try await lab.countedBeforeHonest(at: guests[1].space) - 1
    }

    /// Counts UDP packets at the very beginning of the host's IP stack, and where its own services would get them.
    private func watch(_ lab: NetworkLab) async throws {
        try await lab.run(
            lab.host, "nft", "-f", "-",
            input: """
                table inet watch {
                    counter arrived { }
                    counter entered { }
                    chain arrival {
                        type filter hook prerouting priority -500; policy accept;
                        ip daddr \(NetworkLab.uplinkAddress) udp dport 4000 counter name arrived
                    }
                    chain entry {
                        type filter hook input priority -500; policy accept;
                        ip daddr \(NetworkLab.uplinkAddress) udp dport 4000 counter name entered
                    }
                }
                """)
    }

    private func watched(_ lab: NetworkLab) async throws -> [String: Int] {
        let listing = try await lab.run(lab.host, "nft", "list", "counters", "table", "inet", "watch")
        var counts: [String: Int] = [:]
        for match in listing.matches(of: /counter (\w+) \{\s*packets (\d+)/) {
            counts[String(match.1)] = Int(match.2)
        }
        return counts
    }
}

import CloudCore
import CloudMachines
import Testing

/// Who tries to be somebody else, or another host. Each forgery is sent again with the rule against it taken away, where it
/// must arrive: that proves that the test would see it.
@Suite("Against forgery between hosts", .serialized, .enabled(if: NetworkLab.isRoot, "namespaces need root"))
struct HostsForgeryTests {
    private func withGuests(_ body: (HostsLab, [HostsLab.Guest]) async throws -> Void) async throws {
        try await HostsLab.with(try HostsReachTests.places()) { lab, guests in
            try await lab.apply(guests)
            try await body(lab, guests)
        }
    }

    /// Addresses of nobody, to which the forged frame and the honest one are.
    private static let (forged, honest) = ("10.0.4.77", "10.0.4.78")

    /// A frame to the guest on the second host that nothing answers.
    private func frame(
        from mac: String, _ address: String, to guest: HostsLab.Guest, as target: String = forged
    ) throws -> String {
        NetworkFrame.ethernet(
            to: "\(guest.attachment.mac)", from: mac, type: NetworkFrame.ipv4,
            try NetworkFrame.udp(from: address, to: target))
    }

    /// Whether the frame that `send` sends comes to the namespace's interface before an honest one, which is sent after it.
    private func arrives(
        _ lab: HostsLab, at guest: HostsLab.Guest, from teammate: HostsLab.Guest,
        _ send: () async throws -> Void
    ) async throws -> Bool {
        let tools = lab.hosts[0]
        try await tools.count("ip daddr \(Self.forged)", "ip daddr \(Self.honest)", at: guest.space)
        try await send()
        let honest = try frame(
            from: "\(teammate.attachment.mac)", teammate.address, to: guest, as: Self.honest)
        try await tools.send(honest, from: teammate.space)
        return try await tools.countedBeforeHonest(at: guest.space) > 0
    }

    @Test("a guest's forged source is refused where it is sent, and again where it arrives")
    func sources() async throws {
        try await withGuests { lab, guests in
            let forgeries = [
                try frame(from: "52:54:0a:00:04:05", "10.0.4.99", to: guests[1]),
                try frame(from: "52:54:0a:00:04:05", "10.0.4.1", to: guests[1]),
                try frame(from: "02:00:00:00:00:09", "10.0.4.5", to: guests[1]),
                try frame(from: "52:54:0a:00:04:01", "10.0.4.1", to: guests[1]),
            ]
            let (from, to) = (lab.hosts[0].host, lab.hosts[1].host)
            func arrivals() async throws -> [Bool] {
                var arrived: [Bool] = []
                for forgery in forgeries {
                    arrived.append(
                        try await arrives(lab, at: guests[1], from: guests[0]) {
                            try await lab.hosts[0].send(forgery, from: guests[0].space)
                        })
                }
                return arrived
            }
            let none = [false, false, false, false]
            #expect(try await arrivals() == none)
            try await lab.hosts[0].run(from, "nft", "delete", "table", "bridge", "strettch_st")
            #expect(try await arrivals() == none, "the other host's rules hold alone")
            try await lab.hosts[0].run(to, "nft", "delete", "table", "bridge", "strettch_st")
            #expect(
                try await arrivals() == [true, true, false, false],
                "without both, packets with the Ethernet source of nobody there are refused")
            try await lab.hosts[0].run(to, "nft", "flush", "chain", "inet", "strettch_st", "tunnel_input")
            #expect(try await arrivals() == [true, true, true, true], "without all three they arrive")
        }
    }

    @Test("from each host frames of its own guests alone are taken, and for ours alone")
    func strangers() async throws {
        let places = try [5, 6, 9].enumerated().map { host, compute in
            (host: host, attachment: try NetworkLab.attachment(compute: Int64(compute), team: 1))
        }
        try await HostsLab.with(hosts: 3, places) { lab, guests in
            try await lab.apply(guests)
            let (tools, victim) = (lab.hosts[0], lab.hosts[1].host)
            let mac = try await tools.run(victim, "cat", "/sys/class/net/underlay/address")
                .filter { !$0.isNewline }
            /// Sends a frame to the second host, as from the address.
            func arrives(from address: String, network: UInt16 = 1, _ inner: String) async throws -> Bool {
                let data = NetworkFrame.vxlan(network: network, frame: inner)
                let packet = NetworkFrame.ethernet(
                    to: mac, from: "02:00:00:00:00:09", type: NetworkFrame.ipv4,
                    try NetworkFrame.udp(from: address, to: HostsLab.underlay(1), port: 4789, data: data))
                return try await self.arrives(lab, at: guests[1], from: guests[0]) {
                    try await tools.send(packet, from: lab.stranger)
                }
            }
            func inner(_ guest: HostsLab.Guest, _ address: String? = nil) throws -> String {
                try frame(from: "\(guest.attachment.mac)", address ?? guest.address, to: guests[1])
            }
            let (first, third) = (HostsLab.underlay(0), HostsLab.underlay(2))
            #expect(try await arrives(from: first, inner(guests[0])), "what its host may send arrives")
            #expect(try await arrives(from: third, inner(guests[2])), "what its host may send arrives")
            let forgeries = [
                ("192.168.77.99", 1, try inner(guests[0])), (first, 1, try inner(guests[2])),
                (third, 1, try inner(guests[0])), (first, 2, try inner(guests[0])),
                (first, 1, try inner(guests[0], guests[2].address)),
                (first, 1, try frame(from: "52:54:0a:00:04:01", "10.0.4.1", to: guests[1])),
            ]
            for (address, network, inner) in forgeries {
                let arrived = try await arrives(from: address, network: UInt16(network), inner)
                #expect(!arrived, "network \(network) from \(address): \(inner)")
            }
            try await tools.run(victim, "nft", "flush", "chain", "inet", "strettch_st", "tunnel_input")
            for (address, network, inner) in forgeries.prefix(3) {
                let arrived = try await arrives(from: address, network: UInt16(network), inner)
                #expect(arrived, "without the rule: network \(network) from \(address)")
            }
            for (address, network, inner) in forgeries.dropFirst(3) {
                let arrived = try await arrives(from: address, network: UInt16(network), inner)
                #expect(!arrived, "what is in it is looked at all the same: from \(address)")
            }
        }
    }

    @Test("neither a guest nor a program can make frames that look like its host's")
    func disguised() async throws {
        try await withGuests { lab, guests in
            let tools = lab.hosts[0]
            let (here, there) = (lab.hosts[0].host, lab.hosts[1].host)
            /// Sends a UDP packet to the other host's tunnel, and another to another port, which is waited for.
            func arrives(_ space: String, _ prefix: [String]) async throws -> Bool {
                try await tools.count("udp dport 4789", "udp dport 4790", at: there, device: "underlay")
                for port in [4789, 4790] {
                    let program = """
                        use IO::Socket::INET;
                        IO::Socket::INET->new(Proto => "udp", PeerAddr => $ARGV[0], PeerPort => $ARGV[1])->send("x");
                        """
                    try await Command(
                        "ip",
                        ["netns", "exec", space] + prefix + [
                            "perl", "-e", program, HostsLab.underlay(1), "\(port)",
                        ]
                    ).run()
                }
                return try await tools.countedBeforeHonest(at: there) > 0
            }
            let asNobody = ["setpriv", "--reuid", "65534", "--clear-groups"]
            // The third guest has no public address, so it is seen as its host.
            #expect(try await !arrives(guests[2].space, []))
            #expect(try await !arrives(here, asNobody))
            try await tools.run(here, "nft", "flush", "chain", "inet", "strettch_st", "tunnel_departure")
            #expect(try await arrives(guests[2].space, []), "without the rule it arrives")
            try await tools.run(here, "nft", "flush", "chain", "inet", "strettch_st", "tunnel_output")
            #expect(try await arrives(here, asNobody), "without the rule it arrives")
        }
    }

    /// Sends the frame out of the first host's tunnel, whose own rules are out of the way, and waits for later ones.
    private func sendByTunnel(_ frame: String, _ lab: HostsLab, _ guests: [HostsLab.Guest]) async throws {
        try await lab.hosts[0].send(frame, from: lab.hosts[0].host, device: "st-vx1")
        #expect(await lab.hosts[0].pings(guests[0].space, guests[1].address), "later frames arrive")
    }

    /// Lets frames to the Ethernet group enter the first host's tunnel.
    private func letIn(_ group: String, _ lab: HostsLab) async throws {
        try await lab.hosts[0].run(
            lab.hosts[0].host, "bridge", "fdb", "append", group, "dev", "st-vx1", "dst", HostsLab.underlay(1),
            "self", "permanent")
    }

    @Test(
        "group frames, which skip parts of the bridge's filter, do not come to the host",
        arguments: [
            (
                "01:80:c2:00:00:0e", ["inet strettch_st tunnel_arrival", "inet strettch_st arrival"]
            ),
            (
                "01:80:c2:00:00:03",
                [
                    "bridge strettch_st tunnel_local_input", "inet strettch_st tunnel_arrival",
                    "inet strettch_st arrival",
                ]
            ),
        ])
    func groupFrames(group: String, chains: [String]) async throws {
        try await withGuests { lab, guests in
            let (tools, host) = (lab.hosts[0], lab.hosts[1].host)
            try await tools.run(
                host, "nft", "-f", "-",
                input: """
                    table inet watch {
                        counter entered { }
                        chain entry {
                            type filter hook input priority -500; policy accept;
                            ip daddr 10.0.4.1 udp dport 4000 counter name entered
                        }
                    }
                    """)
            let frame = NetworkFrame.ethernet(
                to: group, from: "\(guests[0].attachment.mac)", type: NetworkFrame.ipv4,
                try NetworkFrame.udp(from: guests[0].address, to: "10.0.4.1"))
            func entered() async throws -> Bool {
                try await sendByTunnel(frame, lab, guests)
                return try await !tools.run(host, "nft", "list", "counters", "table", "inet", "watch")
                    .contains("packets 0 ")
            }
            try await letIn(group, lab)
            #expect(try await !entered())
            for (number, chain) in chains.enumerated() {
                let words = chain.split(separator: " ").map(String.init)
                try await Command("ip", ["netns", "exec", host, "nft", "flush", "chain"] + words).run()
                let isLast = number == chains.count - 1
                #expect(try await entered() == isLast, "each guard holds alone: \(chain)")
            }
        }
    }

    @Test("ARP in a group frame teaches the other host nothing")
    func groupARP() async throws {
        try await withGuests { lab, guests in
            let (tools, host) = (lab.hosts[0], lab.hosts[1].host)
            let group = "01:80:c2:00:00:0e"
            try await letIn(group, lab)
            var request = try NetworkFrame.arpReply(
                hardware: "\(guests[0].attachment.mac)", from: "10.0.4.77", target: HostsLab.uplink(1))
            request[7] = 1
            let frame = NetworkFrame.ethernet(
                to: group, from: "\(guests[0].attachment.mac)", type: NetworkFrame.arp, request)
            try await sendByTunnel(frame, lab, guests)
            #expect(try await !tools.run(host, "ip", "neighbour").contains("10.0.4.77"))
            try await tools.run(host, "nft", "flush", "chain", "arp", "strettch_st", "tunnel_local_input")
            try await sendByTunnel(frame, lab, guests)
            #expect(try await tools.run(host, "ip", "neighbour").contains("10.0.4.77"), "without the rule")
        }
    }
}

import CloudCore
import Testing

@testable import CloudMachines

/// One guest, or somebody outside, opens more connections than a guest may have. The limit is 64 here. Each packet of a flood
/// has a source port of its own, and is a connection to the kernel.
@Suite(
    "A guest's connections", .serialized, .enabled(if: NetworkLab.isRoot, "network namespaces need root"))
struct NetworkLimitTests {
    private static let limit = 64
    private static let flood = 200

    /// Teams 1 and 2; the second guest of team 1 has no public address.
    private static func attachments() throws -> [NetworkAttachment] {
        [
            try NetworkLab.attachment(compute: 5, team: 1, publicIpv4: "203.0.113.5"),
            try NetworkLab.attachment(compute: 6, team: 1),
            try NetworkLab.attachment(compute: 7, team: 2, publicIpv4: "203.0.113.7"),
        ]
    }

    private func withGuests(
        bridgeFilter: Bool = false, _ body: (NetworkLab, [NetworkLab.Guest]) async throws -> Void
    ) async throws {
        try await NetworkLab.with(try Self.attachments(), connections: Self.limit) { lab, guests in
            try await lab.run(
                lab.host, "sysctl", "-q", "-w", "net.bridge.bridge-nf-call-iptables=\(bridgeFilter ? 1 : 0)")
            try await lab.network.apply(NetworkPlan(attachments: guests.map(\.attachment)))
            try await body(lab, guests)
        }
    }

    @Test("one that opens too many is held, and neither its team nor others are")
    func departing() async throws {
        try await withGuests { lab, guests in
            try await lab.count("udp dport 4000", at: lab.outside)
            try await lab.flood(guests[0].space, NetworkLab.outsideAddress, count: Self.flood)
            #expect(await lab.pings(guests[1].space, NetworkLab.outsideAddress), "a teammate")
            #expect(await lab.pings(guests[2].space, NetworkLab.outsideAddress), "another team")
            #expect(await lab.pings(lab.outside, "203.0.113.5"), "it is still reached")
            #expect(try await lab.counted(at: lab.outside) == Self.limit)
            #expect(await !lab.pings(guests[0].space, NetworkLab.outsideAddress, expected: false))
            #expect(try await lab.counted("refused_from", of: guests[0]))
            #expect(try await !lab.counted("refused_from", of: guests[1]))
            #expect(try await !lab.counted("refused_to", of: guests[0]))

            try await lab.flood(guests[0].space, NetworkLab.outsideAddress, count: 8)
            #expect(await lab.pings(guests[1].space, NetworkLab.outsideAddress))
            #expect(try await lab.counted(at: lab.outside) == Self.limit + 8, "those that are open go on")
        }
    }

    @Test("the count stands when the rules are replaced, and when the last guest leaves and comes back")
    func kept() async throws {
        try await withGuests { lab, guests in
            let all = NetworkPlan(attachments: guests.map(\.attachment))
            try await lab.flood(guests[0].space, NetworkLab.outsideAddress, count: Self.flood)
            try await lab.count("udp dport 4000", at: lab.outside)
            let more = NetworkPlan(
                attachments: all.attachments + [try NetworkLab.attachment(compute: 8, team: 2)])
            for between in [more, all] {
                try await lab.network.apply(between)
                try await lab.flood(guests[0].space, NetworkLab.outsideAddress, count: 20, first: 30000)
            }
            // As the last guest's leaving does it, but for their wires, which are to be there still.
            try await lab.run(lab.host, "nft", "-f", "-", input: try Self.empty(lab))
            try await lab.network.apply(all)
            try await lab.flood(guests[0].space, NetworkLab.outsideAddress, count: 20, first: 30000)
            #expect(await lab.pings(guests[2].space, NetworkLab.outsideAddress))
            #expect(try await lab.counted(at: lab.outside) == 0)
        }
    }

    private static func empty(_ lab: NetworkLab) throws -> String {
        Ruleset.render(try NetworkLayout(NetworkPlan(attachments: []), lab.network.settings))
    }

    @Test("whoever opens too many to one guest reaches the others still")
    func arriving() async throws {
        try await withGuests { lab, guests in
            try await lab.count("udp dport 4000", at: guests[0].space)
            try await lab.flood(lab.outside, "203.0.113.5", count: Self.flood)
            #expect(await lab.pings(lab.outside, "203.0.113.7"))
            #expect(await lab.pings(guests[0].space, NetworkLab.outsideAddress), "what it opens is its own")
            #expect(try await lab.counted(at: guests[0].space) == Self.limit)
            #expect(await !lab.pings(lab.outside, "203.0.113.5", expected: false))
            #expect(try await lab.counted("refused_to", of: guests[0]))
        }
    }

    @Test("another team's guest that floods one is held by both limits", arguments: [false, true])
    func between(bridgeFilter: Bool) async throws {
        try await withGuests(bridgeFilter: bridgeFilter) { lab, guests in
            try await lab.count("udp dport 4000", at: guests[0].space)
            try await lab.flood(guests[2].space, "203.0.113.5", count: Self.flood)
            #expect(await lab.pings(guests[1].space, "203.0.113.7"))
            #expect(try await lab.counted(at: guests[0].space) == Self.limit)
            #expect(try await lab.counted("to_\(Self.limit)", of: guests[0]))
            #expect(try await lab.counted("refused_from", of: guests[2]))
        }
    }

    @Test("frames to a teammate count where they cross the IP filter, as the kernel keeps them then")
    func teammates() async throws {
        try await withGuests(bridgeFilter: true) { lab, guests in
            try await lab.count("udp dport 4000", at: guests[1].space)
            try await lab.flood(guests[0].space, guests[1].address, count: Self.flood)
            #expect(await lab.pings(guests[2].space, NetworkLab.outsideAddress))
            #expect(try await lab.counted(at: guests[1].space) == Self.limit)
        }
    }

    @Test("metadata and a ping of the gateway count as well")
    func host() async throws {
        try await withGuests { lab, guests in
            try await lab.withListener(in: lab.host, port: lab.network.settings.metadata.port) {
                #expect(await lab.connects(guests[0].space, "169.254.169.254", port: 80))
                #expect(try await lab.counted("from_\(Self.limit)", of: guests[0]))
                #expect(await lab.pings(guests[1].space, guests[1].gateway))
                #expect(try await lab.counted("from_\(Self.limit)", of: guests[1]))
                try await lab.flood(guests[0].space, NetworkLab.outsideAddress, count: Self.flood)
                #expect(await !lab.connects(guests[0].space, "169.254.169.254", port: 80))
                #expect(await lab.connects(guests[1].space, "169.254.169.254", port: 80))
            }
        }
    }

    @Test("nobody uses up another's allowance by a forged source", arguments: [false, true])
    func forged(bridgeFilter: Bool) async throws {
        try await withGuests(bridgeFilter: bridgeFilter) { lab, guests in
            let gateway = "52:54:0a:00:04:01"
            func frame(_ mac: String) throws -> String {
                NetworkFrame.ethernet(
                    to: gateway, from: mac, type: NetworkFrame.ipv4,
                    try NetworkFrame.udp(from: guests[1].address, to: NetworkLab.outsideAddress))
            }
            let own = "\(guests[0].attachment.mac)"
            let frames = [try frame(own), try frame("\(guests[1].attachment.mac)")]
            for frame in frames { try await lab.send(frame, from: guests[0].space) }
            let uplink = try await lab.run(lab.host, "cat", "/sys/class/net/uplink/address").filter {
                !$0.isNewline
            }
            try await lab.send(
                NetworkFrame.ethernet(
                    to: uplink, from: "02:00:00:00:00:09", type: NetworkFrame.ipv4,
                    try NetworkFrame.udp(from: guests[1].address, to: "203.0.113.5")),
                from: lab.outside)
            #expect(await lab.pings(guests[0].space, NetworkLab.outsideAddress))
            #expect(try await lab.counted("from_\(Self.limit)", of: guests[0]))
            #expect(try await !lab.counted("from_\(Self.limit)", of: guests[1]))
            #expect(try await !lab.counted("to_\(Self.limit)", of: guests[0]))
            try await lab.run(lab.host, "nft", "delete", "table", "bridge", "strettch_st")
            try await lab.send(frames[0], from: guests[0].space)
            #expect(
                try await lab.counted("from_\(Self.limit)", of: guests[1]),
                "without our bridge table it would")
        }
    }
}

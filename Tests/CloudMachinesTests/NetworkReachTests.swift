import CloudCore
import CloudMachines
import Testing

/// Who reaches whom, tried with real packets, with bridged frames crossing the IP filter (as Docker sets it up) or not.
@Suite("A bridged network", .serialized, .enabled(if: NetworkLab.isRoot, "network namespaces need root"))
struct NetworkReachTests {
    /// Teams 1 and 2; the second guest of team 1 has no public address.
    private static func guests() throws -> [NetworkAttachment] {
        [
            try NetworkLab.attachment(compute: 5, team: 1, publicIpv4: "203.0.113.5"),
            try NetworkLab.attachment(compute: 6, team: 1),
            try NetworkLab.attachment(compute: 7, team: 2, publicIpv4: "203.0.113.7"),
        ]
    }

    private func withGuests(
        bridgeFilter: Bool, _ body: (NetworkLab, [NetworkLab.Guest]) async throws -> Void
    ) async throws {
        try await NetworkLab.with(try Self.guests()) { lab, guests in
            try await lab.run(
                lab.host, "sysctl", "-q", "-w", "net.bridge.bridge-nf-call-iptables=\(bridgeFilter ? 1 : 0)")
            try await lab.network.apply(NetworkPlan(attachments: guests.map(\.attachment)))
            try await body(lab, guests)
        }
    }

    @Test(
        "teammates reach each other, and no private address is reached from elsewhere",
        arguments: [false, true])
    func isolation(bridgeFilter: Bool) async throws {
        try await withGuests(bridgeFilter: bridgeFilter) { lab, guests in
            #expect(await lab.pings(guests[0].space, guests[1].address))
            #expect(await lab.pings(guests[1].space, guests[0].address))
            #expect(await lab.pings(lab.host, guests[1].address))
            #expect(await !lab.pings(guests[0].space, guests[2].address, expected: false))
            #expect(await !lab.pings(guests[2].space, guests[1].address, expected: false))
            try await lab.run(
                lab.outside, "ip", "route", "add", "10.0.0.0/8", "via", NetworkLab.uplinkAddress)
            #expect(await !lab.pings(lab.outside, guests[1].address, expected: false))
        }
    }

    @Test("a public address leads to its guest from everywhere", arguments: [false, true])
    func publicAddress(bridgeFilter: Bool) async throws {
        try await withGuests(bridgeFilter: bridgeFilter) { lab, guests in
            #expect(await lab.pings(lab.outside, "203.0.113.5"), "from outside")
            #expect(await lab.pings(lab.host, "203.0.113.5"), "from the host")
            #expect(await lab.pings(guests[2].space, "203.0.113.5"), "from another team")
            #expect(await lab.pings(guests[1].space, "203.0.113.5"), "from a teammate")
            #expect(await lab.pings(guests[1].space, "203.0.113.7"), "from another team, without one's own")
            #expect(await lab.pings(guests[0].space, "203.0.113.5"), "from the guest itself")
            #expect(await !lab.pings(lab.outside, "203.0.113.9", expected: false), "held by nobody")
        }
    }

    @Test(
        "the outside sees a guest's public address, or the host's where it has none",
        arguments: [false, true])
    func publicSource(bridgeFilter: Bool) async throws {
        try await withGuests(bridgeFilter: bridgeFilter) { lab, guests in
            for (guest, source) in [(guests[0], "203.0.113.5"), (guests[1], NetworkLab.uplinkAddress)] {
                try await lab.count("icmp type echo-request ip saddr \(source)", at: lab.outside)
                #expect(await lab.pings(guest.space, NetworkLab.outsideAddress))
                #expect(try await lab.counted(at: lab.outside) == 1, "\(guest.address) as \(source)")
            }
        }
    }

    @Test("no private address of another team shows behind its public one", arguments: [false, true])
    func hairpinSource(bridgeFilter: Bool) async throws {
        try await withGuests(bridgeFilter: bridgeFilter) { lab, guests in
            for guest in guests.prefix(2) {
                try await lab.count("icmp type echo-request ip saddr 10.0.0.0/8", at: guests[2].space)
                #expect(await lab.pings(guest.space, "203.0.113.7"))
                #expect(try await lab.counted(at: guests[2].space) == 0, "from \(guest.address)")
            }
        }
    }

    @Test("a guest reaches nothing of the host but a ping of its gateway", arguments: [false, true])
    func hostIsClosed(bridgeFilter: Bool) async throws {
        try await withGuests(bridgeFilter: bridgeFilter) { lab, guests in
            let guest = guests[0]
            #expect(await lab.pings(guest.space, guest.gateway))
            #expect(await !lab.pings(guest.space, guests[2].gateway, expected: false))
            #expect(await !lab.pings(guest.space, NetworkLab.uplinkAddress, expected: false))
            try await lab.run(lab.host, "ip", "address", "add", "169.254.169.254/32", "dev", "lo")
            #expect(await !lab.pings(guest.space, "169.254.169.254", expected: false))
            try await lab.withListener(in: lab.host, port: 8080) {
                #expect(await lab.connects(lab.outside, NetworkLab.uplinkAddress, port: 8080))
                for address in [guest.gateway, NetworkLab.uplinkAddress, guests[2].gateway] {
                    #expect(await !lab.connects(guest.space, address, port: 8080), "\(address)")
                }
            }
        }
    }

    @Test("who takes over a public address gets none of its old connections")
    func addressMoves() async throws {
        try await withGuests(bridgeFilter: false) { lab, guests in
            #expect(await lab.pings(lab.outside, "203.0.113.5"))
            var attachments = guests.map(\.attachment)
            attachments[1].publicIpv4 = attachments[0].publicIpv4
            attachments[0].publicIpv4 = nil
            try await lab.count("icmp type echo-request", at: guests[1].space)
            try await lab.network.apply(NetworkPlan(attachments: attachments))
            #expect(await lab.pings(lab.outside, "203.0.113.5"))
            #expect(try await lab.counted(at: guests[1].space) == 1)
        }
    }
}

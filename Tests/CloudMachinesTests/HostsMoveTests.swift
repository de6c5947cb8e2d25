import CloudCore
import CloudMachines
import Testing

/// Computes that come and go while others talk to them.
@Suite("Moves between hosts", .serialized, .enabled(if: NetworkLab.isRoot, "namespaces need root"))
struct HostsMoveTests {
    /// Three teammates on two of three hosts, two of them with a public address.
    private func withGuests(_ body: (HostsLab, [HostsLab.Guest]) async throws -> Void) async throws {
        let places: [(host: Int, attachment: NetworkAttachment)] = [
            (0, try NetworkLab.attachment(compute: 5, team: 1, publicIpv4: "203.0.113.5")),
            (0, try NetworkLab.attachment(compute: 6, team: 1)),
            (1, try NetworkLab.attachment(compute: 7, team: 1, publicIpv4: "203.0.113.7")),
        ]
        try await HostsLab.with(hosts: 3, places) { lab, guests in
            try await lab.apply(guests)
            try await body(lab, guests)
        }
    }

    private func everybodyReachesEverybody(_ lab: HostsLab, _ guests: [HostsLab.Guest], _ when: String) async
    {
        for from in guests {
            for to in guests where to.space != from.space {
                #expect(
                    await lab.hosts[0].pings(from.space, to.address),
                    "\(when): \(from.address) to \(to.address)")
            }
        }
    }

    @Test("a compute that moves is reached at once, by its teammates and by its public address")
    func moves() async throws {
        try await withGuests { lab, guests in
            var guests = guests
            await everybodyReachesEverybody(lab, guests, "before")
            #expect(await lab.hosts[0].pings(lab.outside, "203.0.113.5"))
            for (move, host) in [1, 2, 0].enumerated() {
                let left = guests[0].host
                guests[0].host = host
                // Its old host first, as when it was stopped there; this takes its interface away.
                try await lab.hosts[left].network.apply(try lab.plan(left, guests))
                try await lab.plugIn(guests[0])
                for number in [host, 3 - left - host] {
                    try await lab.hosts[number].network.apply(try lab.plan(number, guests))
                }
                try await lab.waitForLink(guests[0])
                #expect(await lab.hosts[0].pings(lab.outside, "203.0.113.5"), "move \(move)")
                await everybodyReachesEverybody(lab, guests, "move \(move)")
                for number in 0..<3 {
                    let drift = try await lab.hosts[number].network.drift(from: lab.plan(number, guests))
                    #expect(drift == [], "move \(move), host \(number)")
                    let addresses = try await lab.hosts[0].run(
                        lab.hosts[number].host, "ip", "-br", "address", "show", "dev", "lo")
                    #expect(addresses.contains("203.0.113.5/32") == (number == host), "host \(number)")
                }
            }
        }
    }

    @Test("a public address that comes is announced on the wire of the outside, once, and no other is")
    func announced() async throws {
        try await withGuests { lab, guests in
            var guests = guests
            let tools = lab.hosts[0]
            let present = "arp operation { request, reply } arp saddr ip 203.0.113.5 arp daddr ip 203.0.113.5"
            try await tools.count(present, at: lab.outside, device: "up2")
            guests[0].host = 2
            try await lab.hosts[0].network.apply(try lab.plan(0, guests))
            try await lab.plugIn(guests[0])
            let plan = try lab.plan(2, guests)
            try await lab.hosts[2].network.apply(plan)
            #expect(try await tools.counted(at: lab.outside) == 2, "a request and a reply")
            let mac = try await tools.run(lab.hosts[2].host, "cat", "/sys/class/net/uplink/address")
                .filter { !$0.isNewline }
            let neighbour = try await tools.run(lab.outside, "ip", "neighbour", "show", "203.0.113.5")
            #expect(neighbour.isEmpty || neighbour.contains(mac), "\(neighbour)")
            try await lab.hosts[2].network.apply(plan)
            #expect(try await tools.counted(at: lab.outside) == 2, "what is here already is not announced")
        }
    }

    @Test("an announcement that fails is made again, and the address is not there before it")
    func announcedAgain() async throws {
        try await withGuests { lab, guests in
            var guests = guests
            guests[0].host = 2
            try await lab.hosts[0].network.apply(try lab.plan(0, guests))
            try await lab.plugIn(guests[0])
            let plan = try lab.plan(2, guests)
            var deaf = lab.hosts[2].network
            deaf.announce = { _ in throw CloudError.bug("nobody hears") }
            await #expect(throws: CloudError.self) { try await deaf.apply(plan) }
            try await lab.hosts[0].count(
                "arp saddr ip 203.0.113.5 arp daddr ip 203.0.113.5", at: lab.outside, device: "up2")
            try await lab.hosts[2].network.apply(plan)
            #expect(try await lab.hosts[0].counted(at: lab.outside) == 2)
        }
    }

    @Test("when a team's last compute leaves a host, its bridge, its tunnel and all that they knew go")
    func leaves() async throws {
        try await withGuests { lab, guests in
            let stay = guests.filter { $0.host == 0 }
            try await lab.apply(stay)
            let host = lab.hosts[1]
            #expect(try await !host.run(host.host, "ip", "-br", "link").contains("st-"))
            #expect(
                try await host.run(host.host, "nft", "list", "tables") == "table inet strettch_st_limits\n")
            let alone = lab.hosts[0]
            #expect(try await !alone.run(alone.host, "ip", "-br", "link").contains("st-vx"))
            #expect(
                try await !alone.run(alone.host, "ip", "neighbour", "show", "nud", "permanent")
                    .contains(guests[2].address))
        }
    }
}

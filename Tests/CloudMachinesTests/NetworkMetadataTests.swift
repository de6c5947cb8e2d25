import CloudCore
import CloudMachines
import CloudTesting
import Testing

/// Who reaches the metadata service, tried with real connections. A listener stands in its place.
@Suite(
    "The way to the metadata service", .serialized, .enabled(if: NetworkLab.isRoot, "namespaces need root"))
struct NetworkMetadataTests {
    private static let wellKnown = "169.254.169.254"
    private static let ours = "169.254.83.84"
    private static let port = 288

    private func withGuests(
        bridgeFilter: Bool = false, _ body: (NetworkLab, [NetworkLab.Guest]) async throws -> Void
    ) async throws {
        let attachments = [
            try NetworkLab.attachment(compute: 5, team: 1, publicIpv4: "203.0.113.5"),
            try NetworkLab.attachment(compute: 6, team: 1),
            try NetworkLab.attachment(compute: 7, team: 2),
        ]
        try await NetworkLab.with(attachments) { lab, guests in
            try await lab.run(
                lab.host, "sysctl", "-q", "-w", "net.bridge.bridge-nf-call-iptables=\(bridgeFilter ? 1 : 0)")
            try await lab.network.apply(NetworkPlan(attachments: attachments))
            try await body(lab, guests)
        }
    }

    /// Makes the outside a provider that answers at `wellKnown`, and the host route there.
    private func provide(_ lab: NetworkLab) async throws {
        try await lab.run(lab.outside, "ip", "address", "add", "\(Self.wellKnown)/32", "dev", "lo")
        try await lab.run(lab.host, "ip", "route", "add", Self.wellKnown, "via", NetworkLab.outsideAddress)
    }

    @Test("every guest reaches it, known by its own address", arguments: [false, true])
    func reached(bridgeFilter: Bool) async throws {
        try await withGuests(bridgeFilter: bridgeFilter) { lab, guests in
            try await lab.withListener(in: lab.host, port: Self.port) {
                for guest in guests {
                    try await countAccepted(from: guest.address, lab)
                    #expect(await lab.connects(guest.space, Self.wellKnown, port: 80), "\(guest.address)")
                    #expect(try await accepted(lab) == 1, "\(guest.address)")
                }
            }
        }
    }

    @Test("a guest with a forged address does not reach it", arguments: [false, true])
    func forged(bridgeFilter: Bool) async throws {
        try await withGuests(bridgeFilter: bridgeFilter) { lab, guests in
            // Its teammate's, another team's, and one that nobody has.
            for address in [guests[1].address, guests[2].address, "10.0.4.99"] {
                try await lab.run(guests[0].space, "ip", "address", "add", "\(address)/32", "dev", "lo")
                try await countAccepted(from: address, lab)
                let call = ["nc", "-z", "-n", "-w", "1", "-s", address, Self.wellKnown, "80"]
                try await lab.withListener(in: lab.host, port: Self.port) {
                    #expect(await !lab.succeeds(guests[0].space, call), "\(address)")
                }
                #expect(try await accepted(lab) == 0, "\(address)")
            }
            try await lab.run(lab.host, "nft", "delete", "table", "bridge", "strettch_st")
            try await countAccepted(from: guests[1].address, lab)
            _ = await lab.succeeds(
                guests[0].space, ["nc", "-z", "-n", "-w", "1", "-s", guests[1].address, Self.wellKnown, "80"])
            #expect(try await accepted(lab) > 0, "without our bridge table it would")
        }
    }

    @Test("nobody else reaches it: neither the outside nor the host")
    func closed() async throws {
        try await withGuests { lab, guests in
            try await lab.run(
                lab.outside, "ip", "route", "add", "\(Self.ours)/32", "via", NetworkLab.uplinkAddress)
            try await lab.withListener(in: lab.host, port: Self.port) {
                #expect(await !lab.connects(lab.outside, Self.ours, port: Self.port), "from outside")
                #expect(await !lab.connects(lab.host, Self.ours, port: Self.port), "from the host")
                #expect(
                    await lab.connects(lab.outside, NetworkLab.uplinkAddress, port: Self.port), "it listens")
                try await lab.run(lab.host, "nft", "delete", "table", "inet", "strettch_st")
                #expect(await lab.connects(lab.outside, Self.ours, port: Self.port), "without our table")
            }
        }
    }

    @Test("the host does not say on its uplink that it has the address")
    func silent() async throws {
        try await withGuests { lab, guests in
            try await lab.run(lab.outside, "ip", "route", "add", "\(Self.ours)/32", "dev", "eth0")
            #expect(await !lab.pings(lab.outside, Self.ours, expected: false))
            #expect(try await !neighbours(lab).contains("lladdr"))
            try await lab.run(lab.host, "nft", "delete", "table", "arp", "strettch_st")
            try await lab.run(lab.outside, "ip", "neighbour", "flush", "dev", "eth0")
            _ = await lab.pings(lab.outside, Self.ours, expected: false)
            #expect(try await neighbours(lab).contains("lladdr"), "without our table")
        }
    }

    /// What the outside knows of our address on its wire.
    private func neighbours(_ lab: NetworkLab) async throws -> String {
        try await lab.run(lab.outside, "ip", "neighbour", "show", Self.ours)
    }

    @Test("other ports and other link-local addresses stay closed to guests", arguments: [false, true])
    func others(bridgeFilter: Bool) async throws {
        try await withGuests(bridgeFilter: bridgeFilter) { lab, guests in
            let guest = guests[0].space
            for address in [Self.wellKnown, "169.254.169.253", "169.254.7.7"] {
                try await lab.run(lab.host, "ip", "address", "add", "\(address)/32", "dev", "lo")
            }
            for port in [Self.port, 80, 443] {
                var addresses = [Self.ours, "169.254.169.253", "169.254.7.7", guests[0].gateway]
                if port != 80 { addresses.append(Self.wellKnown) }
                try await lab.withListener(in: lab.host, port: port) {
                    #expect(await lab.reached(from: guest, addresses, port: port) == [], "port \(port)")
                }
            }
            #expect(await !lab.pings(guest, Self.wellKnown, expected: false))
            #expect(await !lab.pings(guest, Self.ours, expected: false))
        }
    }

    @Test(
        "the provider's own metadata stays the host's, and is reached by no guest", arguments: [false, true])
    func provider(bridgeFilter: Bool) async throws {
        try await withGuests(bridgeFilter: bridgeFilter) { lab, guests in
            try await provide(lab)
            for port in [80, 8080] {
                try await lab.withListener(in: lab.outside, port: port) {
                    #expect(await lab.connects(lab.host, Self.wellKnown, port: port), "from the host")
                    // Nothing of ours listens, so whoever answered would be the provider.
                    for guest in guests {
                        #expect(await lab.reached(from: guest.space, [Self.wellKnown], port: port) == [])
                    }
                }
            }
            try await lab.withListener(in: lab.host, port: Self.port) {
                #expect(await lab.connects(guests[0].space, Self.wellKnown, port: 80), "ours")
            }
        }
    }

    @Test("a packet that belongs to no connection is not sent on to the provider")
    func stray() async throws {
        try await withGuests { lab, guests in
            try await provide(lab)
            try await lab.count("ip daddr \(Self.wellKnown) tcp dport 80", at: lab.outside)
            // SYN and FIN together are no beginning of a connection, so they are not translated.
            let packet = try NetworkFrame.tcp(
                from: guests[0].address, to: Self.wellKnown, port: 80, flags: 0x03)
            let frame = NetworkFrame.ethernet(
                to: "\(MACAddress(privateIpv4: guests[0].attachment.network.gateway))",
                from: "\(guests[0].attachment.mac)", type: NetworkFrame.ipv4, packet)
            try await lab.send(frame, from: guests[0].space)
            #expect(
                await lab.pings(guests[0].space, NetworkLab.outsideAddress), "what came later has arrived")
            #expect(try await lab.counted(at: lab.outside) == 0)
            try await lab.run(lab.host, "nft", "delete", "table", "inet", "strettch_st")
            try await lab.send(frame, from: guests[0].space)
            try await eventually("without our table it arrives") {
                try await lab.counted(at: lab.outside) == 1
            }
        }
    }

    @Test("an address that is in use on the host is not taken for it")
    func inUse() async throws {
        try await NetworkLab.with { lab, _ in
            try await lab.run(lab.host, "ip", "address", "add", "\(Self.ours)/32", "dev", "lo")
            let plan = NetworkPlan(attachments: [try NetworkLab.attachment(compute: 5, team: 1)])
            let error = await #expect(throws: CloudError.self) { try await lab.network.apply(plan) }
            #expect(error?.code == .conflict && error?.message.contains("metadataListen") == true)
        }
    }

    /// Begins to count what comes in to the service's address and port from an address.
    private func countAccepted(from address: String, _ lab: NetworkLab) async throws {
        try await lab.run(
            lab.host, "nft", "-f", "-",
            input: """
                table inet watch
                delete table inet watch
                table inet watch {
                    counter seen { }
                    chain entry {
                        type filter hook input priority 10; policy accept;
                        ip saddr \(address) ip daddr \(Self.ours) tcp dport \(Self.port) ct state new counter name seen
                    }
                }
                """)
    }

    private func accepted(_ lab: NetworkLab) async throws -> Int {
        let listing = try await lab.run(lab.host, "nft", "list", "counters", "table", "inet", "watch")
        guard let match = listing.firstMatch(of: /packets (\d+)/), let number = Int(match.1) else {
            throw CloudError.bug("no counter in: \(listing)")
        }
        return number
    }
}

extension NetworkLab {
    /// Those of the addresses with which a TCP connection comes about, all tried at once.
    fileprivate func reached(from space: String, _ addresses: [String], port: Int) async -> [String] {
        await withTaskGroup(of: String?.self) { group in
            for address in addresses {
                group.addTask { await connects(space, address, port: port) ? address : nil }
            }
            return await group.reduce(into: []) { if let address = $1 { $0.append(address) } }
        }
    }

    /// Whether a command ends well in the namespace.
    func succeeds(_ space: String, _ words: [String]) async -> Bool {
        do {
            try await Command("ip", ["netns", "exec", space] + words, timeoutSeconds: 20).run()
            return true
        } catch {
            return false
        }
    }
}

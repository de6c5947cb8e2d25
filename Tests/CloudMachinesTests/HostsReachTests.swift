import CloudCore
import CloudMachines
import Testing

/// Who reaches whom when teams have computes on several hosts, tried with real packets, with bridged frames crossing the
/// IP filter or not.
@Suite("A network over many hosts", .serialized, .enabled(if: NetworkLab.isRoot, "namespaces need root"))
struct HostsReachTests {
    /// Team 1 with a guest on each of two hosts, the second without a public address, and team 2 likewise.
    static func places() throws -> [(host: Int, attachment: NetworkAttachment)] {
        [
            (0, try NetworkLab.attachment(compute: 5, team: 1, publicIpv4: "203.0.113.5")),
            (1, try NetworkLab.attachment(compute: 6, team: 1)),
            (0, try NetworkLab.attachment(compute: 7, team: 2)),
            (1, try NetworkLab.attachment(compute: 8, team: 2, publicIpv4: "203.0.113.8")),
        ]
    }

    private func withGuests(
        bridgeFilter: Bool = false, _ body: (HostsLab, [HostsLab.Guest]) async throws -> Void
    ) async throws {
        try await HostsLab.with(try Self.places()) { lab, guests in
            for host in lab.hosts {
                try await host.run(
                    host.host, "sysctl", "-q", "-w",
                    "net.bridge.bridge-nf-call-iptables=\(bridgeFilter ? 1 : 0)")
            }
            try await lab.apply(guests)
            try await body(lab, guests)
        }
    }

    @Test("teammates reach each other, and nobody another team's private address", arguments: [false, true])
    func isolation(bridgeFilter: Bool) async throws {
        try await withGuests(bridgeFilter: bridgeFilter) { lab, guests in
            let tools = lab.hosts[0]
            for (from, to) in [(0, 1), (1, 0), (2, 3), (3, 2)] {
                #expect(await tools.pings(guests[from].space, guests[to].address), "\(from) to \(to)")
            }
            for (from, to) in [(0, 3), (3, 0), (1, 2), (2, 1), (0, 2), (1, 3)] {
                #expect(
                    await !tools.pings(guests[from].space, guests[to].address, expected: false),
                    "\(from) to \(to)")
            }
        }
    }

    @Test("packets as large as guests may send pass whole both ways, and larger ones do not")
    func largePackets() async throws {
        try await withGuests { lab, guests in
            // An ICMP echo has 28 bytes of headers.
            let largest = HostsLab.guestMtu - 28
            for (from, to) in [(0, 1), (1, 0)] {
                #expect(await lab.pings(guests[from], guests[to].address, bytes: largest))
            }
            for guest in guests { try await lab.batch(guest.space, "link set eth0 mtu 1500") }
            #expect(await !lab.pings(guests[0], guests[1].address, bytes: largest + 1, expected: false))
        }
    }

    @Test("a long transfer by TCP arrives, also from a guest that was never told of the smaller packets")
    func transfer() async throws {
        try await withGuests { lab, guests in
            let size = 500_000
            #expect(try await lab.transfer(size, from: guests[0], to: guests[1]) == size)
            #expect(try await lab.transfer(size, from: guests[1], to: guests[0]) == size)
            for guest in guests.prefix(2) { try await lab.batch(guest.space, "link set eth0 mtu 1500") }
            try await lab.hosts[0].count(
                "tcp flags syn / syn,rst tcp option maxseg size 1410", at: guests[1].space)
            #expect(try await lab.transfer(size, from: guests[0], to: guests[1]) == size)
            #expect(try await lab.hosts[0].counted(at: guests[1].space) > 0, "its segments are made smaller")
        }
    }

    @Test("what is larger than a guest may receive is answered on its way in from outside")
    func largeFromOutside() async throws {
        try await withGuests { lab, guests in
            let outside = HostsLab.Guest(attachment: guests[0].attachment, host: 0, space: lab.outside)
            #expect(await lab.pings(outside, "203.0.113.5", bytes: HostsLab.guestMtu - 28))
            #expect(await !lab.pings(outside, "203.0.113.5", bytes: 1472, expected: false))
            let route = try await lab.hosts[0].run(lab.outside, "ip", "route", "get", "203.0.113.5")
            #expect(route.contains("mtu \(HostsLab.guestMtu)"), "\(route)")
        }
    }

    @Test(
        "a public address on another host is reached, and as from a public address", arguments: [false, true])
    func publicAddress(bridgeFilter: Bool) async throws {
        try await withGuests(bridgeFilter: bridgeFilter) { lab, guests in
            let tools = lab.hosts[0]
            #expect(await tools.pings(lab.outside, "203.0.113.5"))
            #expect(await tools.pings(lab.outside, "203.0.113.8"))
            try await tools.count("icmp type echo-request ip saddr 203.0.113.5", at: guests[3].space)
            #expect(await tools.pings(guests[0].space, "203.0.113.8"), "another team's")
            #expect(try await tools.counted(at: guests[3].space) == 1)
            try await tools.count(
                "icmp type echo-request ip saddr \(HostsLab.uplink(0))", at: guests[3].space)
            #expect(await tools.pings(guests[2].space, "203.0.113.8"), "a teammate's, without one's own")
            #expect(try await tools.counted(at: guests[3].space) == 1)
            #expect(await tools.pings(guests[1].space, "203.0.113.5"), "a teammate's, the other way")
        }
    }

    @Test("the gateway answers on its own host, and nothing of it or of its host leaves by a tunnel")
    func gatewayStays() async throws {
        try await withGuests { lab, guests in
            let tools = lab.hosts[0]
            let other = lab.hosts[1].host
            try await tools.count("udp dport 4789", at: other, device: "underlay")
            try await tools.count("arp operation reply arp saddr ip 10.0.4.1", at: guests[0].space)
            #expect(await tools.pings(guests[0].space, "10.0.4.1"))
            #expect(try await tools.counted(at: guests[0].space) == 1, "one gateway answers")
            #expect(await !tools.pings(lab.hosts[0].host, guests[1].address, expected: false))
            #expect(await !tools.pings(lab.hosts[0].host, "10.0.4.77", expected: false))
            #expect(try await tools.counted(at: other) == 0)
            #expect(await tools.pings(guests[0].space, guests[1].address))
            #expect(try await tools.counted(at: other) > 0, "or nothing would have been counted")
        }
    }

    @Test("broadcasts, multicasts and frames to nobody stay on their host, and ARP is answered there")
    func noFlood() async throws {
        try await withGuests { lab, guests in
            let tools = lab.hosts[0]
            let other = lab.hosts[1].host
            try await tools.count("udp dport 4789", at: other, device: "underlay")
            let mac = "\(guests[0].attachment.mac)"
            let packet = try NetworkFrame.udp(from: guests[0].address, to: "10.0.7.255")
            for to in ["ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:05", "52:54:0a:00:04:4d"] {
                let frame = NetworkFrame.ethernet(to: to, from: mac, type: NetworkFrame.ipv4, packet)
                try await tools.send(frame, from: guests[0].space)
            }
            #expect(await !tools.pings(guests[0].space, "10.0.4.77", expected: false), "asks by ARP in vain")
            // Its teammate elsewhere, asked by ARP alone.
            let asked = try await tools.run(
                guests[0].space, "arping", "-c", "1", "-w", "2", "-i", "eth0", guests[1].address)
            #expect(asked.contains("\(guests[1].attachment.mac)"), "\(asked)")
            #expect(try await tools.counted(at: other) == 0)
        }
    }
}

extension HostsLab {
    /// Whether a ping with that many bytes of data is answered, which no router may cut into pieces.
    func pings(_ guest: Guest, _ address: String, bytes: Int, expected: Bool = true) async -> Bool {
        do {
            try await hosts[0].run(
                guest.space, "ping", "-n", "-q", "-c", "1", "-W", expected ? "5" : "0.4", "-M", "do", "-s",
                "\(bytes)", address)
            return true
        } catch {
            return false
        }
    }

    /// How many of so many bytes arrive by TCP.
    func transfer(_ size: Int, from: Guest, to: Guest) async throws -> Int {
        let port = 7000
        let program = """
            use IO::Socket::INET;
            my $s = IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => $ARGV[1], Timeout => 10) or die $!;
            print $s "x" x $ARGV[2];
            close $s or die $!;
            """
        async let received = hosts[0].run(to.space, "nc", "-l", "-n", "-w", "10", "-p", "\(port)")
        var attempts = 0
        while true {
            do {
                try await hosts[0].run(
                    from.space, "perl", "-e", program, to.address, "\(port)", "\(size)")
                break
            } catch {
                attempts += 1
                guard attempts < Self.attempts else { throw error }
            }
        }
        return try await received.count
    }

    /// Connections that are refused while the listener starts.
    private static let attempts = 200
}

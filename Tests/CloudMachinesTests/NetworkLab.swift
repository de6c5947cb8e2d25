import CloudCore
import CloudMachines
import CloudTesting
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A small world in network namespaces: one host, an outside that routes 203.0.113.0/24 to it, and guests whose
/// interface is a veth in the place of a tap. Needs root.
struct NetworkLab {
    /// Distinguishes the namespaces of labs that live at once.
    let id: String
    let network: BridgedNetwork

    /// A guest of a team, by compute id. Team `t` has 10.0.(4t).0/22, and compute `c` in it the address .c.
    struct Guest {
        var attachment: NetworkAttachment
        var space: String

        var address: String { "\(attachment.privateIpv4)" }
        var gateway: String { "\(attachment.network.gateway)" }
    }

    /// What the outside is, as guests see it.
    static let outsideAddress = "198.51.100.2"
    /// The host's own address on its uplink.
    static let uplinkAddress = "198.51.100.1"

    static var isRoot: Bool { geteuid() == 0 }

    var host: String { "host-\(id)" }
    var outside: String { "outside-\(id)" }

    /// Builds the lab, runs the body, and takes everything down again, whatever happened.
    static func with(
        _ guests: [NetworkAttachment] = [], connections: Int = NetworkSettings.defaultGuestConnections,
        _ body: (NetworkLab, [Guest]) async throws -> Void
    ) async throws {
        let id = String(UInt32.random(in: 0 ... .max), radix: 36)
        let lab = NetworkLab(
            id: id,
            network: BridgedNetwork(
                settings: try NetworkSettings(guestConnections: connections),
                commandPrefix: ["ip", "netns", "exec", "host-\(id)"]))
        let places = guests.map { Guest(attachment: $0, space: "guest\($0.computeId)-\(id)") }
        let spaces = [lab.host, lab.outside] + places.map(\.space)
        try await within(spaces) {
            try await lab.build(places)
            try await body(lab, places)
        }
    }

    /// Runs the body, which makes the namespaces, and takes all of them away again, whatever happened.
    static func within(_ spaces: [String], _ body: () async throws -> Void) async throws {
        var outcome = Result<Void, any Error>.success(())
        do { try await body() } catch { outcome = .failure(error) }
        for space in spaces.reversed() {
            do {
                try await Command("ip", ["netns", "delete", space]).run()
            } catch {
                if case .success = outcome { outcome = .failure(error) }
            }
        }
        try outcome.get()
    }

    static func attachment(compute: Int64, team: UInt32, publicIpv4: String? = nil) throws
        -> NetworkAttachment
    {
        let base = 10 << 24 | team << 10
        guard let network = IPv4Network(base: IPv4Address(base), prefix: 22) else {
            throw CloudError.bug("no network for team \(team)")
        }
        return NetworkAttachment(
            computeId: compute, teamId: Int64(team), network: network,
            privateIpv4: IPv4Address(base + UInt32(compute)),
            publicIpv4: publicIpv4.flatMap { IPv4Address($0) })
    }

    /// Runs a command in a namespace and returns what it printed; throws when it fails.
    @discardableResult
    func run(_ space: String, _ words: String..., input: String = "") async throws -> String {
        try await Command("ip", ["netns", "exec", space] + words, input: input, timeoutSeconds: 20).run()
            .standardOutput
    }

    /// Whether a ping is answered. An expected answer is waited for longer than an expected silence.
    func pings(_ space: String, _ address: String, expected: Bool = true) async -> Bool {
        do {
            try await run(space, "ping", "-n", "-q", "-c", "1", "-W", expected ? "5" : "0.4", address)
            return true
        } catch {
            return false
        }
    }

    /// Sends one Ethernet frame, given in hexadecimal, out of an interface. Perl is part of every Debian.
    func send(_ frame: String, from space: String, device: String = "eth0") async throws {
        let program = """
            open(my $f, "<", "/sys/class/net/\(device)/ifindex") or die $!;
            socket(my $s, 17, 3, 0) or die $!;
            my $to = pack("S n l S C C a8", 17, 0, int(<$f>), 0, 0, 6, "");
            send($s, pack("H*", $ARGV[0]), 0, $to) or die $!;
            """
        try await run(space, "perl", "-e", program, frame)
    }

    /// Begins to count the frames that arrive at an interface of the namespace and match an expression of nftables, of each.
    func count(_ expressions: String..., at space: String, device: String = "eth0") async throws {
        try await run(
            space, "nft", "-f", "-",
            input: """
                table netdev seen
                delete table netdev seen
                table netdev seen {
                    chain arrival {
                        type filter hook ingress device \(device) priority 0; policy accept;
                        \(expressions.map { "\($0) counter" }.joined(separator: "\n"))
                    }
                }
                """)
    }

    /// How many frames have matched since `count`, by expression.
    func countedOfEach(at space: String) async throws -> [Int] {
        let listing = try await run(space, "nft", "list", "table", "netdev", "seen")
        return listing.matches(of: /counter packets (\d+)/).compactMap { Int($0.1) }
    }

    /// How many have matched the first before one matched the last, which is honest and was sent after them.
    func countedBeforeHonest(at space: String) async throws -> Int {
        try await eventually("the honest frame arrives") {
            try #require(try await countedOfEach(at: space).last) > 0
        }
        // Again, since a listing reads one counter after the other.
        return try await counted(at: space)
    }

    /// How many have matched the first.
    func counted(at space: String) async throws -> Int {
        try #require(try await countedOfEach(at: space).first)
    }

    private func build(_ guests: [Guest]) async throws {
        for space in [host, outside] + guests.map(\.space) {
            try await Command("ip", ["netns", "add", space]).run()
            // A new namespace inherits this of the machine; no guest may be a router that answers by itself.
            try await run(space, "sysctl", "-q", "-w", "net.ipv4.ip_forward=0")
        }
        try await batch(
            host,
            """
            link set lo up
            link add uplink type veth peer name eth0 netns \(outside)
            address add \(Self.uplinkAddress)/24 dev uplink
            link set uplink up
            """)
        try await batch(
            outside,
            """
            link set lo up
            address add \(Self.outsideAddress)/24 dev eth0
            link set eth0 up
            route add 203.0.113.0/24 via \(Self.uplinkAddress)
            """)
        try await batch(host, "route add default via \(Self.outsideAddress)")
        for guest in guests { try await build(guest) }
    }

    private func build(_ guest: Guest) async throws {
        let tap = try guest.attachment.tapName()
        try await batch(host, "link add \(tap) type veth peer name eth0 netns \(guest.space)")
        try await batch(
            guest.space,
            """
            link set lo up
            link set eth0 address \(guest.attachment.mac)
            address add \(guest.address)/\(guest.attachment.network.prefix) dev eth0
            link set eth0 up
            route add default via \(guest.gateway)
            """)
    }

    private func batch(_ space: String, _ lines: String) async throws {
        try await run(space, "ip", "-batch", "-", input: lines + "\n")
    }
}

extension NetworkLab {
    /// Whether a TCP connection comes about within a second.
    func connects(_ space: String, _ address: String, port: Int) async -> Bool {
        do {
            try await run(space, "nc", "-z", "-n", "-w", "1", address, "\(port)")
            return true
        } catch {
            return false
        }
    }

    /// Runs the body while a TCP server listens on all addresses of the namespace.
    /// - Parameter prefix: put before the command of the server.
    func withListener(
        in space: String, port: Int, as prefix: [String] = [], _ body: () async throws -> Void
    ) async throws {
        let words = ["netns", "exec", space] + prefix + ["nc", "-l", "-k", "-n", "-p", "\(port)"]
        let server = Task { try await Command("ip", words).run() }
        defer { server.cancel() }
        // As proc(5) has it: any address with this port, from nobody, listening.
        let digits = String(port, radix: 16, uppercase: true)
        let line = "00000000:\(String(repeating: "0", count: 4 - digits.count))\(digits) 00000000:0000 0A"
        var attempts = 0
        while try await !run(space, "cat", "/proc/net/tcp").contains(line) {
            attempts += 1
            guard attempts < Self.listenerAttempts else {
                throw CloudError.bug("nothing listens on port \(port)")
            }
        }
        try await body()
    }

    private static let listenerAttempts = 500

    /// Sends a UDP packet to port 4000 of an address from each of `count` ports, of which `first` is the lowest.
    func flood(_ space: String, _ address: String, count: Int, first: Int = 20000) async throws {
        let program = """
            use Socket;
            my $to = sockaddr_in(4000, inet_aton($ARGV[0]));
            for my $port ($ARGV[1] .. $ARGV[1] + $ARGV[2] - 1) {
                socket(my $s, PF_INET, SOCK_DGRAM, 17) or die $!;
                bind($s, sockaddr_in($port, INADDR_ANY)) or die $!;
                send($s, "x", 0, $to);
            }
            """
        try await run(space, "perl", "-e", program, address, "\(first)", "\(count)")
    }

    /// Whether the kernel has counted anything of the guest in a set of the table of limits.
    func counted(_ set: String, of guest: Guest) async throws -> Bool {
        let listing = try await run(host, "nft", "list", "set", "inet", "strettch_st_limits", set)
        return listing.split { " ,{}\n\t".contains($0) }.contains { $0 == guest.address }
    }
}

import CloudCore
import CloudMachines
import CloudTesting

/// Several hosts in network namespaces, on one network between them and one to the outside, where 203.0.113.0/24 lies on
/// the wire. Guests are as in `NetworkLab`. Needs root.
struct HostsLab {
    let id: String
    let hosts: [NetworkLab]

    /// A guest and the host that it is on.
    struct Guest {
        var attachment: NetworkAttachment
        var host: Int
        var space: String

        var address: String { "\(attachment.privateIpv4)" }
    }

    /// Where all wires meet, and what the outside is, as guests see it: `NetworkLab.outsideAddress`.
    var outside: String { "outside-\(id)" }
    /// On the network between the hosts, and no host: 192.168.77.99.
    var stranger: String { "stranger-\(id)" }

    static func underlay(_ host: Int) -> String { "192.168.77.\(host + 1)" }
    static func uplink(_ host: Int) -> String { "198.51.100.\(host + 11)" }

    /// What guests may send, at the usual MTU between the hosts.
    static let guestMtu = 1450

    /// Builds the lab, runs the body, and takes everything down again, whatever happened.
    static func with(
        hosts count: Int = 2, _ places: [(host: Int, attachment: NetworkAttachment)] = [],
        _ body: (HostsLab, [Guest]) async throws -> Void
    ) async throws {
        let id = String(UInt32.random(in: 0 ... .max), radix: 36)
        let lab = HostsLab(id: id, hosts: try (0..<count).map { try host($0, of: id) })
        let guests = places.map {
            Guest(
                attachment: $0.attachment, host: $0.host, space: "guest\($0.attachment.computeId)-\(id)")
        }
        let spaces = [lab.outside, lab.stranger] + lab.hosts.map(\.host) + guests.map(\.space)
        try await NetworkLab.within(spaces) {
            for space in spaces { try await lab.make(space) }
            try await lab.build()
            for guest in guests { try await lab.plugIn(guest) }
            try await body(lab, guests)
        }
    }

    private static func host(_ number: Int, of id: String) throws -> NetworkLab {
        let id = "\(id)-\(number)"
        let space = "host-\(id)"
        var network = BridgedNetwork(
            settings: try NetworkSettings(underlay: underlay(number)),
            commandPrefix: ["ip", "netns", "exec", space])
        network.announce = { announcements in
            try await NetworkSpace.run(in: space) { try ARPSocket.send(announcements) }
        }
        return NetworkLab(id: id, network: network)
    }

    /// What the host should be told when these guests are there.
    func plan(_ host: Int, _ guests: [Guest]) throws -> NetworkPlan {
        let here = guests.filter { $0.host == host }.map(\.attachment)
        let teams = Set(here.map(\.teamId))
        let elsewhere = guests.filter { $0.host != host && teams.contains($0.attachment.teamId) }
        return NetworkPlan(
            attachments: here, remotes: try elsewhere.map { try Self.remote($0.attachment, on: $0.host) })
    }

    static func remote(_ attachment: NetworkAttachment, on host: Int) throws -> RemoteAttachment {
        guard let address = IPv4Address(underlay(host)) else { throw CloudError.bug("no host \(host)") }
        return RemoteAttachment(
            computeId: attachment.computeId, teamId: attachment.teamId, network: attachment.network,
            privateIpv4: attachment.privateIpv4, underlay: address)
    }

    /// Tells all hosts, one after the other.
    func apply(_ guests: [Guest]) async throws {
        for (number, host) in hosts.enumerated() { try await host.network.apply(try plan(number, guests)) }
    }

    /// Gives the guest its interface on the host that it is on.
    func plugIn(_ guest: Guest) async throws {
        let tap = try guest.attachment.tapName()
        try await batch(
            hosts[guest.host].host, "link add \(tap) type veth peer name eth0 netns \(guest.space)")
        try await batch(
            guest.space,
            """
            link set lo up
            link set eth0 address \(guest.attachment.mac) mtu \(Self.guestMtu)
            address add \(guest.address)/\(guest.attachment.network.prefix) dev eth0
            link set eth0 up
            route add default via \(guest.attachment.network.gateway)
            """)
    }

    /// Returns when the host's kernel has seen that the guest's new interface is up; it looks once a second.
    func waitForLink(_ guest: Guest) async throws {
        let (host, tap) = (hosts[guest.host], try guest.attachment.tapName())
        try await eventually("\(tap) forwards") {
            try await host.run(host.host, "bridge", "link", "show", "dev", tap).contains("state forwarding")
        }
    }

    private func make(_ space: String) async throws {
        try await Command("ip", ["netns", "add", space]).run()
        try await hosts[0].run(space, "sysctl", "-q", "-w", "net.ipv4.ip_forward=0")
        try await batch(space, "link set lo up")
    }

    private func build() async throws {
        try await batch(
            outside,
            """
            link add between type bridge
            link set between up
            link add eth0 type bridge
            address add \(NetworkLab.outsideAddress)/24 dev eth0
            link set eth0 up
            route add 203.0.113.0/24 dev eth0
            """)
        try await wire("eth0", in: stranger, to: "between", "stranger", address: "192.168.77.99")
        for (number, host) in hosts.enumerated() {
            try await wire(
                "underlay", in: host.host, to: "between", "under\(number)", address: Self.underlay(number))
            try await wire("uplink", in: host.host, to: "eth0", "up\(number)", address: Self.uplink(number))
            try await batch(
                host.host,
                """
                route add default via \(NetworkLab.outsideAddress)
                route add 203.0.113.0/24 dev uplink
                """)
        }
    }

    private func wire(_ name: String, in space: String, to bridge: String, _ port: String, address: String)
        async throws
    {
        try await batch(
            outside,
            """
            link add \(port) type veth peer name \(name) netns \(space)
            link set \(port) master \(bridge)
            link set \(port) up
            """)
        try await batch(
            space,
            """
            address add \(address)/24 dev \(name)
            link set \(name) up
            """)
    }

    func batch(_ space: String, _ lines: String) async throws {
        try await hosts[0].run(space, "ip", "-batch", "-", input: lines + "\n")
    }
}

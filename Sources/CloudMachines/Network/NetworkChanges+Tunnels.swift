import CloudCore

extension NetworkChanges {
    /// Makes each team's way to its computes on other hosts what the layout says, and lets no other lead there.
    mutating func connect(_ present: PresentNetwork, _ layout: NetworkLayout) {
        guard let underlay = layout.underlay else { return }
        let rows = Dictionary(grouping: present.forwarding, by: \.device)
        for tunnel in layout.tunnels {
            let device = present.interface(tunnel.name)
            let isKept = device?.tunnel.map { Self.isMade($0, as: tunnel, underlay) } ?? false
            if device != nil, !isKept { lines.append("link delete dev \(tunnel.name)") }
            prepare(tunnel, underlay, isKept ? device : nil)
            // What is made anew has no rows.
            forward(tunnel, isKept ? rows[tunnel.name] ?? [] : [])
        }
        remember(present, layout)
    }

    /// Whether the device is of the team, the host and the port; none of them can be changed in one that is there.
    private static func isMade(
        _ device: PresentNetwork.Tunnel, as tunnel: NetworkLayout.Tunnel, _ underlay: NetworkLayout.Underlay
    ) -> Bool {
        device.id == tunnel.networkId && device.local == underlay.address.description
            && device.port == underlay.port && device.learning == false
    }

    private mutating func prepare(
        _ tunnel: NetworkLayout.Tunnel, _ underlay: NetworkLayout.Underlay,
        _ present: PresentNetwork.Interface?
    ) {
        let name = tunnel.name
        if present == nil {
            lines.append(
                "link add name \(name) mtu \(underlay.guestMtu) type vxlan id \(tunnel.networkId) "
                    + "local \(underlay.address) dstport \(underlay.port) nolearning")
            // The host itself has nothing to say to other hosts' guests, and no IPv6 address there.
            lines.append("link set dev \(name) addrgenmode none")
        } else if present?.mtu != underlay.guestMtu {
            lines.append("link set dev \(name) mtu \(underlay.guestMtu)")
        }
        let isPort = present?.master == tunnel.bridge.name
        if !isPort { lines.append("link set dev \(name) master \(tunnel.bridge.name)") }
        if !isPort || present?.port != Self.port {
            lines.append("link set dev \(name) type bridge_slave \(Self.portOptions)")
        }
        if present?.isUp != true { lines.append("link set dev \(name) up") }
    }

    /// Nothing but what the tables name leaves by a tunnel, the bridge learns nothing from what arrives, and it answers
    /// ARP itself for whoever is behind it.
    private static let port = PresentNetwork.Port(
        hairpin: false, learning: false, flood: false, mcast_flood: false, bcast_flood: false,
        neigh_suppress: true)
    private static let portOptions =
        "hairpin off learning off flood off mcast_flood off bcast_flood off neigh_suppress on"

    /// The rows by which a bridge knows who is behind the tunnel, and the tunnel on which host.
    private mutating func forward(
        _ tunnel: NetworkLayout.Tunnel, _ rows: [PresentNetwork.ForwardingRow]
    ) {
        let name = tunnel.name
        let hosts = Dictionary(
            uniqueKeysWithValues: tunnel.remotes.map { ($0.mac.description, "dst \($0.underlay)") })
        let places = Dictionary(grouping: rows.filter(\.isOwn), by: \.mac)
        for (mac, there) in places.sorted(by: { $0.key < $1.key }) {
            // A compute that has moved keeps its row, which is changed at one stroke.
            if there.count == 1, hosts[mac] != nil { continue }
            for row in there.sorted(by: { $0.destination < $1.destination })
            where row.destination != hosts[mac] {
                forwarding.append(
                    "fdb delete \(mac) dev \(name)" + (row.destination.isEmpty ? "" : " ")
                        + "\(row.destination) self")
            }
        }
        let known = Set(rows.filter { !$0.isOwn }.map(\.mac))
        for mac in known.subtracting(hosts.keys).sorted() {
            forwarding.append("fdb delete \(mac) dev \(name) master")
        }
        for remote in tunnel.remotes {
            let mac = remote.mac.description
            let host = "dst \(remote.underlay)"
            if !(places[mac] ?? []).contains(where: { $0.destination == host }) {
                forwarding.append("fdb replace \(mac) dev \(name) \(host) self permanent")
            }
            if !known.contains(mac) { forwarding.append("fdb replace \(mac) dev \(name) master static") }
        }
    }

    /// The Ethernet addresses with which a bridge answers ARP.
    private mutating func remember(_ present: PresentNetwork, _ layout: NetworkLayout) {
        let locals = Dictionary(grouping: layout.taps, by: \.bridge.name).mapValues { taps in
            Set(taps.map(\.privateIpv4))
        }
        let tunnels = Dictionary(uniqueKeysWithValues: layout.tunnels.map { ($0.bridge.name, $0) })
        let neighbours = Dictionary(grouping: present.neighbours, by: \.device)
        for bridge in layout.bridges {
            let there = neighbours[bridge.name] ?? []
            let remotes = tunnels[bridge.name]?.remotes ?? []
            let wanted = (locals[bridge.name] ?? []).union(remotes.map(\.privateIpv4))
            for old in there where !wanted.contains(old.address) {
                lines.append("neighbour delete \(old.address) dev \(bridge.name)")
            }
            let known = Set(there)
            for remote in remotes {
                let row = PresentNetwork.Neighbour(
                    address: remote.privateIpv4, mac: remote.mac.description, device: bridge.name)
                guard !known.contains(row) else { continue }
                lines.append(
                    "neighbour replace \(row.address) lladdr \(row.mac) dev \(row.device) nud permanent")
            }
        }
    }
}

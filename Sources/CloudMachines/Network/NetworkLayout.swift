import CloudCore

/// What a plan means for the kernel of the host: the interfaces and addresses that must be there, in a fixed order.
struct NetworkLayout: Sendable, Equatable {
    var names: NetworkNames
    var privateRange: IPv4Network
    var tapOwner: String?
    /// Where the metadata service listens.
    var metadata: IPv4Endpoint
    /// See `NetworkSettings.guestConnections`.
    var guestConnections: Int
    var bridges: [Bridge]
    var taps: [Tap]
    /// Names of taps that lead nowhere (`NetworkPlan.spareTaps`).
    var spareTaps: [String] = []
    /// `nil` when this host is alone.
    var underlay: Underlay?
    /// The ways to teammates on other hosts, one for each team that has some.
    var tunnels: [Tunnel] = []

    /// A team's network on this host.
    struct Bridge: Sendable, Equatable {
        var name: String
        var network: IPv4Network

        /// The gateway's Ethernet address is fixed, so that guests may remember it when the bridge is made anew.
        var mac: MACAddress { MACAddress(privateIpv4: network.gateway) }
    }

    /// A compute's port on its team's bridge.
    struct Tap: Sendable, Equatable {
        var name: String
        var bridge: Bridge
        var mac: MACAddress
        var privateIpv4: IPv4Address
        var publicIpv4: IPv4Address?
    }

    /// Throws `.bug` when the plan contradicts itself or the settings; the database's constraints rule that out.
    init(_ plan: NetworkPlan, _ settings: NetworkSettings) throws {
        names = NetworkNames(prefix: settings.namePrefix)
        privateRange = settings.privateRange
        tapOwner = settings.tapOwner
        metadata = settings.metadata
        guestConnections = settings.guestConnections
        underlay = Underlay(settings)
        var byTeam: [Int64: Bridge] = [:]
        taps = []
        for attachment in plan.attachments.sorted(by: { $0.computeId < $1.computeId }) {
            let bridge = Bridge(
                name: try names.bridge(teamId: attachment.teamId), network: attachment.network)
            try Self.check(
                attachment.privateIpv4, of: attachment.computeId, attachment.network, privateRange)
            guard byTeam[attachment.teamId] ?? bridge == bridge else {
                throw CloudError.bug(
                    "team \(attachment.teamId) has two networks in the plan, one is \(attachment.network)")
            }
            byTeam[attachment.teamId] = bridge
            taps.append(
                Tap(
                    name: try names.tap(computeId: attachment.computeId), bridge: bridge, mac: attachment.mac,
                    privateIpv4: attachment.privateIpv4, publicIpv4: attachment.publicIpv4))
        }
        bridges = byTeam.sorted { $0.key < $1.key }.map(\.value)
        for id in plan.spareTaps.sorted() { spareTaps.append(try names.tap(computeId: id)) }
        tunnels = try tunnels(to: plan.remotes, bridges: byTeam)
        try checkUnique()
    }

    /// Whether there are machines of ours, with guests in the network or with taps that lead nowhere.
    var hasMachines: Bool { !taps.isEmpty || !spareTaps.isEmpty }

    /// Our tables when the layout is in force, with their families.
    var tables: [String] {
        let replaced = ["inet", "bridge", "arp"].map { "\($0) \(names.table)" }
        return replaced + (hasMachines ? ["inet \(names.limitsTable)"] : [])
    }

    var publicAddresses: [IPv4Address] { taps.compactMap(\.publicIpv4).sorted() }

    /// What is on `lo` besides the public addresses: nothing without guests.
    var metadataAddress: IPv4Address? { taps.isEmpty ? nil : metadata.address }

    /// Throws `.bug` unless the address is one that a guest can have in the network.
    static func check(
        _ address: IPv4Address, of computeId: Int64, _ network: IPv4Network, _ privateRange: IPv4Network
    ) throws {
        guard privateRange.contains(network), network.size >= 4 else {
            throw CloudError.bug(
                "compute \(computeId): its network \(network) is no part of the private range \(privateRange)"
            )
        }
        guard network.contains(address), address > network.gateway, address < network.last else {
            throw CloudError.bug(
                "compute \(computeId): its address \(address) is no guest's address in \(network)")
        }
    }

    private func checkUnique() throws {
        func check(_ values: [some Hashable & CustomStringConvertible], _ what: String) throws {
            var seen: Set<AnyHashable> = []
            for value in values where !seen.insert(value).inserted {
                throw CloudError.bug("the network plan names \(what) \(value) twice")
            }
        }
        try check(taps.map(\.name) + spareTaps, "tap")
        let remotes = tunnels.flatMap(\.remotes)
        try check(taps.map(\.privateIpv4) + remotes.map(\.privateIpv4), "private address")
        try check(publicAddresses, "public address")
        let networks = bridges.map(\.network).sorted { $0.base < $1.base }
        for (lower, upper) in zip(networks, networks.dropFirst()) where lower.overlaps(upper) {
            throw CloudError.bug("two teams' networks overlap in the plan: \(lower) and \(upper)")
        }
    }
}

import CloudCore

/// What must be done to the host's interfaces so that they become what a layout says.
struct NetworkChanges: Sendable, Equatable {
    /// Lines for `ip -batch -`, in the order in which they must run; empty when all is as it should be.
    var lines: [String] = []
    /// Public addresses that the host is about to answer for, of which its neighbours must hear.
    var announced: [IPv4Address] = []
    /// Lines for `bridge -batch -`, which run after the others.
    var forwarding: [String] = []

    /// The difference between what is there and what is wanted.
    ///
    /// Interfaces that don't bear our names are never changed. Throws `.conflict` when one of them holds an address
    /// that guests need.
    ///
    /// - Parameter renamed: names that taps which are not there may still have, by those that they get.
    init(
        from present: PresentNetwork, to layout: NetworkLayout, renaming renamed: [String: String] = [:]
    ) throws {
        let present = rename(present, renamed)
        try Self.checkForeign(present, layout)
        removeStale(present, layout)
        for name in layout.spareTaps { unplug(name, present.interface(name), owner: layout.tapOwner) }
        for bridge in layout.bridges {
            prepare(bridge, present.interface(bridge.name), mtu: layout.underlay?.guestMtu)
        }
        connect(present, layout)
        publish(present, layout)
        // Last, since a tap that is up lets its guest speak.
        for tap in layout.taps { prepare(tap, present.interface(tap.name), owner: layout.tapOwner) }
    }

    /// A process that has the tap open keeps it, whatever its name.
    private mutating func rename(_ present: PresentNetwork, _ renamed: [String: String]) -> PresentNetwork {
        var present = present
        for (name, former) in renamed.sorted(by: { $0.key < $1.key }) where present.interface(name) == nil {
            guard let index = present.interfaces.firstIndex(where: { $0.name == former }) else { continue }
            lines.append("link set dev \(former) name \(name)")
            present.interfaces[index].name = name
        }
        return present
    }

    private mutating func removeStale(_ present: PresentNetwork, _ layout: NetworkLayout) {
        let wanted = Set(
            layout.bridges.map(\.name) + layout.taps.map(\.name) + layout.tunnels.map(\.name)
                + layout.spareTaps)
        let stale = present.interfaces.map(\.name).filter { !wanted.contains($0) }
        lines += stale.filter(layout.names.isTap).map { "link delete dev \($0)" }
        lines += stale.filter(layout.names.isTunnel).map { "link delete dev \($0)" }
        lines += stale.filter(layout.names.isBridge).map { "link delete dev \($0)" }
    }

    private mutating func prepare(
        _ bridge: NetworkLayout.Bridge, _ present: PresentNetwork.Interface?, mtu: Int?
    ) {
        let name = bridge.name
        if present == nil {
            lines.append(
                "link add name \(name) address \(bridge.mac) type bridge stp_state 0 forward_delay 0 mcast_snooping 0"
            )
        } else if present?.mac != bridge.mac.description {
            lines.append("link set dev \(name) address \(bridge.mac)")
        }
        // By itself a bridge takes the least of its ports, and taps have more.
        if let mtu, present?.mtu != mtu { lines.append("link set dev \(name) mtu \(mtu)") }
        let gateway = bridge.network.gateway
        let addresses = present?.addresses ?? []
        for other in addresses where other.address != gateway || other.prefix != bridge.network.prefix {
            lines.append("address delete \(other.address)/\(other.prefix) dev \(name)")
        }
        if !addresses.contains(where: { $0.address == gateway && $0.prefix == bridge.network.prefix }) {
            lines.append("address add \(gateway)/\(bridge.network.prefix) broadcast + dev \(name)")
        }
        if present?.isUp != true { lines.append("link set dev \(name) up") }
    }

    private mutating func prepare(
        _ tap: NetworkLayout.Tap, _ present: PresentNetwork.Interface?, owner: String?
    ) {
        let name = tap.name
        if present == nil {
            lines.append("tuntap add dev \(name) mode tap" + (owner.map { " user \($0)" } ?? ""))
        }
        let isPort = present?.master == tap.bridge.name
        if !isPort { lines.append("link set dev \(name) master \(tap.bridge.name)") }
        if !isPort {
            // Else the host asks for the guest's Ethernet address once a second from the boot's beginning, and finds
            // its SSH server up to a second late. An address has the same Ethernet address whoever holds it
            // (`MACAddress.init`), so an entry that outlives its guest is right for the next one.
            lines.append(
                "neighbour replace \(tap.privateIpv4) lladdr \(tap.mac) dev \(tap.bridge.name) nud permanent")
        }
        if !isPort || present?.isHairpin != true {
            lines.append("link set dev \(name) type bridge_slave hairpin on")
        }
        if present?.isUp != true { lines.append("link set dev \(name) up") }
    }

    /// Makes a tap that leads nowhere: its machine has it open, and says and hears nothing.
    private mutating func unplug(
        _ name: String, _ present: PresentNetwork.Interface?, owner: String?
    ) {
        if present == nil {
            lines.append("tuntap add dev \(name) mode tap" + (owner.map { " user \($0)" } ?? ""))
        }
        if present?.isUp == true { lines.append("link set dev \(name) down") }
        if present?.master != nil { lines.append("link set dev \(name) nomaster") }
    }

    /// Makes the host answer for the guests' public addresses and the metadata service's, and for no others of ours.
    private mutating func publish(_ present: PresentNetwork, _ layout: NetworkLayout) {
        let label = layout.names.addressLabel
        let wanted = layout.publicAddresses
        let addresses = present.interface("lo")?.addresses ?? []
        for old in addresses where old.label == label {
            guard !wanted.contains(old.address), old.address != layout.metadataAddress else { continue }
            lines.append("address delete \(old.address)/\(old.prefix) dev lo")
        }
        let there = Set(addresses.map(\.address))
        for new in wanted where !there.contains(new) {
            lines.append("address add \(new)/32 dev lo label \(label)")
            if layout.underlay != nil { announced.append(new) }
        }
        if let metadata = layout.metadataAddress, !there.contains(metadata) {
            // Of the host's scope, so that it is never the source of what the host says to others.
            lines.append("address add \(metadata)/32 dev lo label \(label) scope host")
        }
    }

    private static func checkForeign(_ present: PresentNetwork, _ layout: NetworkLayout) throws {
        try checkMetadata(present, layout)
        let publicAddresses = Set(layout.publicAddresses)
        for interface in present.interfaces
        where interface.name != "lo" && !layout.names.isBridge(interface.name) {
            for address in interface.addresses {
                if publicAddresses.contains(address.address) {
                    throw CloudError(
                        .conflict,
                        "The public address \(address.address) belongs to the host itself (\(interface.name)). "
                            + "Take it out of the public pool.")
                }
                if let bridge = layout.bridges.first(where: { $0.network.contains(address.address) }) {
                    throw CloudError(
                        .conflict,
                        "\(address.address) of the host's \(interface.name) lies in a team's network, "
                            + "\(bridge.network). Choose another private range.")
                }
            }
        }
    }

    private static func checkMetadata(_ present: PresentNetwork, _ layout: NetworkLayout) throws {
        for interface in present.interfaces {
            for address in interface.addresses where address.address == layout.metadataAddress {
                guard interface.name != "lo" || address.label != layout.names.addressLabel else { continue }
                throw CloudError(
                    .conflict,
                    "The metadata service's address \(address.address) is in use on \(interface.name), by the host "
                        + "itself or by another installation. Choose another with metadataListen.")
            }
        }
    }
}

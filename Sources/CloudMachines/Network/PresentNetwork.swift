import CloudCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The host's interfaces and their IPv4 addresses, as `ip -details -json address` tells them.
struct PresentNetwork: Sendable, Equatable {
    var interfaces: [Interface]
    /// See `readTunnels`.
    var neighbours: [Neighbour] = []
    var forwarding: [ForwardingRow] = []

    /// One interface of the host.
    struct Interface: Sendable, Equatable {
        var name: String
        var isUp = false
        /// The bridge that it is a port of.
        var master: String?
        /// In the form of `MACAddress.description`.
        var mac: String?
        /// What is told of the ports of bridges alone.
        var port: Port?
        /// `bridge`, `tun`, `veth`; `nil` for hardware and the loopback.
        var kind: String?
        /// Bytes.
        var mtu: Int?
        /// What is told of VXLAN devices alone.
        var tunnel: Tunnel?
        var addresses: [Address] = []

        /// Whether a bridge may send a frame back out of this port that came in on it.
        var isHairpin: Bool { port?.hairpin ?? false }
    }

    /// One IPv4 address of an interface.
    struct Address: Sendable, Hashable {
        var address: IPv4Address
        var prefix: Int
        /// See `NetworkNames.addressLabel`.
        var label: String?
    }

    /// Throws `.internalServerError` when the text is not what `ip` prints.
    init(json: String) throws {
        let links: [Link]
        do {
            links = try JSONDecoder().decode([Link].self, from: Data(json.utf8))
        } catch {
            throw CloudError(
                .internalServerError, "The host's interfaces can't be read. Install iproute2 5.0 or newer.",
                detail: "ip -json address: \(error)")
        }
        interfaces = links.compactMap(\.interface)
    }

    /// What the bridge is told of one of its ports.
    struct Port: Sendable, Equatable, Decodable {
        var hairpin: Bool?
        var learning: Bool?
        var flood: Bool?
        var mcast_flood: Bool?
        var bcast_flood: Bool?
        var neigh_suppress: Bool?
    }

    /// What a VXLAN device is made with.
    struct Tunnel: Sendable, Equatable, Decodable {
        var id: Int64?
        var local: String?
        var port: Int?
        var learning: Bool?
    }

    init(interfaces: [Interface]) { self.interfaces = interfaces }

    func interface(_ name: String) -> Interface? { interfaces.first { $0.name == name } }

    /// What `ip` prints for an interface. Deleted ones can appear as empty objects.
    private struct Link: Decodable {
        var ifname: String?
        var flags: [String]?
        var master: String?
        var address: String?
        var mtu: Int?
        var linkinfo: Info?
        var addr_info: [AddressInfo]?

        var interface: Interface? {
            guard let ifname else { return nil }
            return Interface(
                name: ifname, isUp: flags?.contains("UP") ?? false, master: master, mac: address,
                port: linkinfo?.info_slave_data, kind: linkinfo?.info_kind, mtu: mtu,
                tunnel: linkinfo?.tunnel, addresses: (addr_info ?? []).compactMap(\.address))
        }
    }

    private struct Info: Decodable {
        var info_kind: String?
        var info_slave_data: Port?
        var tunnel: Tunnel?

        private enum Key: CodingKey { case info_kind, info_data, info_slave_kind, info_slave_data }

        /// The data of kinds that are none of ours are not looked at: their fields may mean other things.
        init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: Key.self)
            info_kind = try values.decodeIfPresent(String.self, forKey: .info_kind)
            if info_kind == "vxlan" {
                tunnel = try values.decodeIfPresent(Tunnel.self, forKey: .info_data)
            }
            if try values.decodeIfPresent(String.self, forKey: .info_slave_kind) == "bridge" {
                info_slave_data = try values.decodeIfPresent(Port.self, forKey: .info_slave_data)
            }
        }
    }

    private struct AddressInfo: Decodable {
        var family: String?
        var local: String?
        var prefixlen: Int?
        var label: String?

        var address: Address? {
            guard family == "inet", let local = local.flatMap({ IPv4Address($0) }), let prefixlen else {
                return nil
            }
            return Address(address: local, prefix: prefixlen, label: label)
        }
    }
}

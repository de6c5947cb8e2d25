import CloudCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The host's interfaces and their IPv4 addresses, as `ip -details -json address` tells them.
struct PresentNetwork: Sendable, Equatable {
    var interfaces: [Interface]

    /// One interface of the host.
    struct Interface: Sendable, Equatable {
        var name: String
        var isUp = false
        /// The bridge that it is a port of.
        var master: String?
        /// In the form of `MACAddress.description`.
        var mac: String?
        /// Whether a bridge may send a frame back out of this port that came in on it.
        var isHairpin = false
        /// `bridge`, `tun`, `veth`; `nil` for hardware and the loopback.
        var kind: String?
        var addresses: [Address] = []
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

    init(interfaces: [Interface]) { self.interfaces = interfaces }

    func interface(_ name: String) -> Interface? { interfaces.first { $0.name == name } }

    /// What `ip` prints for an interface. Deleted ones can appear as empty objects.
    private struct Link: Decodable {
        var ifname: String?
        var flags: [String]?
        var master: String?
        var address: String?
        var linkinfo: Info?
        var addr_info: [AddressInfo]?

        var interface: Interface? {
            guard let ifname else { return nil }
            return Interface(
                name: ifname, isUp: flags?.contains("UP") ?? false, master: master, mac: address,
                isHairpin: linkinfo?.info_slave_data?.hairpin ?? false, kind: linkinfo?.info_kind,
                addresses: (addr_info ?? []).compactMap(\.address))
        }
    }

    private struct Info: Decodable {
        var info_kind: String?
        var info_slave_data: SlaveData?
    }

    private struct SlaveData: Decodable {
        var hairpin: Bool?
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

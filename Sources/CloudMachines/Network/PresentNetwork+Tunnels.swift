import CloudCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension PresentNetwork {
    /// Which Ethernet address the host has for an address, for good.
    struct Neighbour: Sendable, Hashable {
        var address: IPv4Address
        var mac: String
        var device: String
    }

    /// Where frames to an Ethernet address go: a row of a bridge's table, or of a VXLAN device's own.
    struct ForwardingRow: Sendable, Hashable {
        var mac: String
        var device: String
        /// Whether the row is of the device's own table.
        var isOwn: Bool
        /// Behind the device's own rows: `dst 192.168.7.2`, and what else they were made with.
        var destination = ""
    }

    /// Reads what `ip -4 -json neighbour show nud permanent` and `bridge -json fdb show` print, as far as it is about
    /// the interfaces. Throws `.internalServerError` when the texts are something else.
    mutating func readTunnels(neighbours: String, forwarding: String) throws {
        do {
            self.neighbours = try JSONDecoder().decode([NeighbourRow].self, from: Data(neighbours.utf8))
                .compactMap(\.neighbour)
            let own = Set(interfaces.compactMap { row in row.mac.map { "\(row.name) \($0)" } })
            self.forwarding = try JSONDecoder().decode([PrintedRow].self, from: Data(forwarding.utf8))
                .compactMap(\.entry)
                // Each bridge has rows for the addresses of its ports themselves.
                .filter { $0.isOwn || !own.contains("\($0.device) \($0.mac)") }
        } catch {
            throw CloudError(
                .internalServerError,
                "The host's forwarding tables can't be read. Install iproute2 5.0 or newer.",
                detail: "ip -json neighbour, bridge -json fdb: \(error)")
        }
    }

    /// What `ip` prints for a neighbour.
    private struct NeighbourRow: Decodable {
        var dst: String?
        var dev: String?
        var lladdr: String?

        var neighbour: Neighbour? {
            guard let address = dst.flatMap({ IPv4Address($0) }), let lladdr, let dev else { return nil }
            return Neighbour(address: address, mac: lladdr, device: dev)
        }
    }

    /// What `bridge` prints for a row of a table.
    private struct PrintedRow: Decodable {
        var mac: String?
        var ifname: String?
        var flags: [String]?
        var dst: String?
        var port: Int?
        var vni: Int?
        var viaIf: String?

        var entry: ForwardingRow? {
            guard let mac, let ifname else { return nil }
            let words = [
                dst.map { "dst \($0)" }, port.map { "port \($0)" }, vni.map { "vni \($0)" },
                viaIf.map { "via \($0)" },
            ]
            return ForwardingRow(
                mac: mac, device: ifname, isOwn: flags?.contains("self") ?? false,
                destination: words.compactMap(\.self).joined(separator: " "))
        }
    }
}

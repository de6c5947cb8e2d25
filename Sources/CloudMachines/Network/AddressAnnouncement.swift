import CloudCore

/// Says on one wire that an address is here from now on, so that neighbours that know it elsewhere don't send there until
/// their memory ends (RFC 5227, section 3).
public struct AddressAnnouncement: Sendable, Equatable {
    public var interface: String
    public var address: IPv4Address
    /// The interface's Ethernet address, six bytes.
    public var mac: [UInt8]

    /// One for each address and each wire on which its neighbours are: those that the most exact of the host's routes to it
    /// lead to. Our own bridges are none.
    static func all(
        of addresses: [IPv4Address], _ present: PresentNetwork, _ routes: [PresentRoute],
        _ names: NetworkNames
    ) -> [AddressAnnouncement] {
        addresses.flatMap { address -> [AddressAnnouncement] in
            let routes = routes.filter { $0.leads(to: address) && !names.isBridge($0.device) }
            let best = routes.map(\.prefix).max()
            return Set(routes.filter { $0.prefix == best }.map(\.device)).sorted().compactMap {
                guard let interface = present.interface($0), interface.isUp, let mac = interface.mac else {
                    return nil
                }
                let bytes = mac.split(separator: ":").compactMap { UInt8($0, radix: 16) }
                // A tunnel without Ethernet has no neighbours to tell.
                guard bytes.count == 6, bytes.contains(where: { $0 != 0 }) else { return nil }
                return AddressAnnouncement(interface: interface.name, address: address, mac: bytes)
            }
        }
    }

    /// As a request and as a reply, since some listen to one of them alone.
    var frames: [[UInt8]] {
        let everyone: [UInt8] = Array(repeating: 0xFF, count: 6)
        let value = address.value
        let ip = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
        return [(operation: UInt8(1), target: Array(repeating: 0, count: 6)), (2, mac)].map {
            // Ethernet's header, and ARP of Ethernet and IPv4 (RFC 826).
            everyone + mac + [8, 6] + [0, 1, 8, 0, 6, 4, 0, $0.operation] + mac + ip + $0.target + ip
        }
    }
}

import CloudCore

/// What stands in the way of a bridged network on the host, judged from what its own tools print.
struct DoctorNetwork: Sendable {
    var settings: NetworkSettings

    var names: NetworkNames { NetworkNames(prefix: settings.namePrefix) }

    /// Whether the host's own addresses and routes leave the guests' ranges alone, from the output of
    /// `ip -details -json address` and `ip -4 -json route`.
    func ranges(addresses: String, routes: String) throws -> [DoctorFinding] {
        let present = try PresentNetwork(json: addresses)
        return [pool(present), privateRange(present, try PresentRoute.all(json: routes))]
    }

    private func pool(_ present: PresentNetwork) -> DoctorFinding {
        let check = "Public pool"
        let pool = settings.publicPool.map(\.description).joined(separator: ", ")
        let own = foreign(present).filter { _, address in
            settings.publicPool.contains { $0.contains(address) }
        }
        guard own.isEmpty else {
            let named = own.map { "\($0.address) (\($0.interface))" }.joined(separator: ", ")
            return DoctorFinding(
                check, .failed, "\(pool) holds the host's own \(named), which no guest may get",
                remedy: "choose a publicPool without it")
        }
        let documentation = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"].compactMap {
            IPv4Network($0)
        }
        guard !settings.publicPool.contains(where: { block in documentation.contains { $0.overlaps(block) } })
        else {
            return DoctorFinding(
                check, .warning, "\(pool) is for documentation (RFC 5737): only this host reaches it",
                remedy: "set publicPool to addresses that are routed to this host")
        }
        return DoctorFinding(check, .ok, pool)
    }

    private func privateRange(_ present: PresentNetwork, _ routes: [PresentRoute]) -> DoctorFinding {
        let check = "Private range"
        let range = settings.privateRange
        var others = foreign(present).filter { range.contains($0.address) }.map {
            "\($0.address) (\($0.interface))"
        }
        others += routes.compactMap { route in
            guard let network = route.network, !names.isBridge(route.device), network.overlaps(range)
            else { return nil }
            return "\(network) (\(route.device))"
        }
        guard others.isEmpty else {
            return DoctorFinding(
                check, .warning,
                "\(range) overlaps what this host reaches elsewhere: \(others.joined(separator: ", "))",
                remedy:
                    "guests can't reach those; set privateRange to a block that is free, such as 172.16.0.0/12"
            )
        }
        return DoctorFinding(check, .ok, "\(range)")
    }

    /// The addresses of interfaces that are not ours.
    private func foreign(_ present: PresentNetwork) -> [(interface: String, address: IPv4Address)] {
        present.interfaces.filter { !names.isBridge($0.name) }.flatMap { interface in
            interface.addresses.filter { $0.label != names.addressLabel }.map { (interface.name, $0.address) }
        }
    }
}

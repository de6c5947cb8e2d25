import CloudCore

extension DoctorNetwork {
    /// Whether this host can be reached by the others as the settings say, from the output of
    /// `ip -details -json address`; nothing when this host is alone.
    func underlay(addresses: String) throws -> [DoctorFinding] {
        guard let underlay = settings.underlay, let guestMtu = settings.guestMtu else { return [] }
        let check = "Underlay"
        let present = try PresentNetwork(json: addresses)
        let mine = present.interfaces.first { $0.addresses.contains { $0.address == underlay } }
        guard let mine else {
            return [
                DoctorFinding(
                    check, .failed,
                    "\(underlay) is no address of this host: other hosts can't reach its guests",
                    remedy: "set underlay to this host's own address on the network between the hosts")
            ]
        }
        guard mine.isUp else {
            return [
                DoctorFinding(
                    check, .failed, "\(mine.name) with \(underlay) is down",
                    remedy: "ip link set dev \(mine.name) up")
            ]
        }
        if let mtu = mine.mtu, mtu < settings.underlayMtu {
            return [
                DoctorFinding(
                    check, .failed,
                    "\(mine.name) takes packets of \(mtu) bytes, and underlayMtu is \(settings.underlayMtu)",
                    remedy: "set underlayMtu to \(mtu) on all hosts, or raise the MTU of \(mine.name)")
            ]
        }
        let names = NetworkNames(prefix: settings.namePrefix)
        let others = present.interfaces.filter {
            $0.tunnel?.port == settings.vxlanPort && !names.isTunnel($0.name)
        }
        guard others.isEmpty else {
            return [
                DoctorFinding(
                    check, .warning,
                    "\(others.map(\.name).joined(separator: ", ")) uses UDP port \(settings.vxlanPort) too, and our "
                        + "rules drop what comes for it",
                    remedy: "set vxlanPort to a port that is free, the same on all hosts")
            ]
        }
        return [
            DoctorFinding(
                check, .ok, "\(underlay) on \(mine.name); guests send packets of at most \(guestMtu) bytes")
        ]
    }
}

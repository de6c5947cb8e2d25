import CloudCore

extension NetworkSettings {
    /// IANA's number for VXLAN (RFC 7348).
    public static let defaultVxlanPort = 4789
    public static let defaultUnderlayMtu = 1500
    /// IANA assigns it to nobody, and only root may listen on it, so a machine's user can't take it while the server is down.
    public static let defaultLinkPort = 289
    /// What a frame between hosts has before the guest's IP packet, in bytes: IPv4 20, UDP 8, VXLAN 8 and the guest's own
    /// Ethernet header 14 (RFC 7348).
    static let tunnelOverhead = 50
    /// What guests have without being told, and the most that they are told: the outside takes no more.
    private static let usualMtu = 1500
    /// From what leaves a guest the 576 bytes that every IPv4 host takes (RFC 791), and room, to jumbo frames.
    private static let underlayMtus = 1280...9216

    /// The largest IP packet that a guest may send, so that it passes to a teammate on any host; `nil` when this host is
    /// alone, and guests have what they always have.
    public var guestMtu: Int? {
        underlay == nil ? nil : min(Self.usualMtu, underlayMtu - Self.tunnelOverhead)
    }

    var underlayProblems: [Problem] {
        var problems: [Problem] = []
        if !(1...65535).contains(vxlanPort) {
            problems.append(Problem("vxlanPort", "\(vxlanPort) is no UDP port. Choose 1 to 65535."))
        }
        if !Self.underlayMtus.contains(underlayMtu) {
            problems.append(
                Problem(
                    "underlayMtu",
                    "\(underlayMtu) is no MTU between hosts. Choose \(Self.underlayMtus.lowerBound) to "
                        + "\(Self.underlayMtus.upperBound)."))
        }
        guard let underlay else { return problems }
        let taken =
            [("the private range", [privateRange]), ("the public pool", publicPool)]
            + [("what no host may have (RFC 6890)", Self.reservedNetworks)]
        for (what, networks) in taken {
            for network in networks where network.contains(underlay) {
                problems.append(
                    Problem(
                        "underlay",
                        "\(underlay) lies in \(network), \(what). Choose another of the two."))
            }
        }
        return problems
    }
}

import CloudCore

/// A teammate's place in the network, on another host: what this one must know to send frames there.
public struct RemoteAttachment: Sendable, Hashable {
    public var computeId: Int64
    public var teamId: Int64
    /// The team's private network.
    public var network: IPv4Network
    public var privateIpv4: IPv4Address
    /// The other host's address on the network between the hosts (`NetworkSettings.underlay` there).
    public var underlay: IPv4Address

    public init(
        computeId: Int64, teamId: Int64, network: IPv4Network, privateIpv4: IPv4Address, underlay: IPv4Address
    ) {
        self.computeId = computeId
        self.teamId = teamId
        self.network = network
        self.privateIpv4 = privateIpv4
        self.underlay = underlay
    }

    /// A compute on the host with this underlay address; `nil` once it has given its private address back.
    public init?(_ compute: Compute, underlay: IPv4Address) {
        guard let privateIpv4 = compute.privateIpv4 else { return nil }
        self.init(
            computeId: compute.id, teamId: compute.teamId, network: compute.network, privateIpv4: privateIpv4,
            underlay: underlay)
    }

    public var mac: MACAddress { MACAddress(privateIpv4: privateIpv4) }
}

import CloudCore

extension NetworkAttachment {
    public init(_ place: ComputePlace) {
        self.init(
            computeId: place.computeId, teamId: place.teamId, network: place.network,
            privateIpv4: place.privateIpv4, publicIpv4: place.publicIpv4, sshPort: place.sshPort)
    }

    /// `nil` once the compute has given its address back.
    public init?(_ compute: Compute) {
        guard let privateIpv4 = compute.privateIpv4 else { return nil }
        self.init(
            computeId: compute.id, teamId: compute.teamId, network: compute.network, privateIpv4: privateIpv4,
            publicIpv4: compute.publicIpv4, sshPort: compute.sshPort)
    }
}

import CloudCore

extension NetworkAttachment {
    /// `nil` once the compute has given its address back.
    public init?(_ compute: Compute) {
        guard let privateIpv4 = compute.privateIpv4 else { return nil }
        self.init(
            computeId: compute.id, teamId: compute.teamId, network: compute.network, privateIpv4: privateIpv4,
            publicIpv4: compute.publicIpv4, sshPort: compute.sshPort)
    }
}

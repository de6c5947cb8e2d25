/// What of a compute the network of its host follows from.
public struct ComputePlace: Sendable, Equatable {
    public var computeId: Int64
    public var teamId: Int64
    public var network: IPv4Network
    public var privateIpv4: IPv4Address
    public var publicIpv4: IPv4Address?
    /// Set in user mode alone.
    public var sshPort: Int?
    /// Where the compute's job is.
    public var step: ComputeStep

    public init(
        computeId: Int64, teamId: Int64, network: IPv4Network, privateIpv4: IPv4Address,
        publicIpv4: IPv4Address?, sshPort: Int?, step: ComputeStep
    ) {
        self.computeId = computeId
        self.teamId = teamId
        self.network = network
        self.privateIpv4 = privateIpv4
        self.publicIpv4 = publicIpv4
        self.sshPort = sshPort
        self.step = step
    }

    /// `nil` once the compute has given its address back.
    public init?(_ compute: Compute) {
        guard let privateIpv4 = compute.privateIpv4 else { return nil }
        self.init(
            computeId: compute.id, teamId: compute.teamId, network: compute.network, privateIpv4: privateIpv4,
            publicIpv4: compute.publicIpv4, sshPort: compute.sshPort, step: compute.job.step)
    }
}

import CloudCore

/// A compute that is about to be inserted.
public struct NewCompute: Sendable {
    public var teamId: Int64
    /// The host that was chosen, where its resources are taken already.
    public var hostId: Int64
    public var hostName: String
    public var image: String
    /// The team's own image that the disk is to lie over; `nil`: it is one of the catalogue.
    public var imageId: Int64?
    /// The snapshot that its disk is to be a copy of; `nil`: it is made from the image itself.
    public var snapshotId: Int64?
    public var specification: Specification
    public var region: String
    public var publicKeys: [String]
    public var tags: [String]
    public var userData: String?
    public var deletionProtection: Bool
    public var privateIpv4: IPv4Address
    public var publicIpv4: IPv4Address?
    public var sshPort: Int?

    public init(
        teamId: Int64, hostId: Int64, hostName: String, image: String, imageId: Int64? = nil,
        snapshotId: Int64? = nil,
        specification: Specification,
        region: String,
        publicKeys: [String], tags: [String], userData: String? = nil, deletionProtection: Bool = false,
        privateIpv4: IPv4Address, publicIpv4: IPv4Address?, sshPort: Int?
    ) {
        self.teamId = teamId
        self.hostId = hostId
        self.hostName = hostName
        self.image = image
        self.imageId = imageId
        self.snapshotId = snapshotId
        self.specification = specification
        self.region = region
        self.publicKeys = publicKeys
        self.tags = tags
        self.userData = userData
        self.deletionProtection = deletionProtection
        self.privateIpv4 = privateIpv4
        self.publicIpv4 = publicIpv4
        self.sshPort = sshPort
    }
}

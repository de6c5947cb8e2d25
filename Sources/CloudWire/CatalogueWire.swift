/// A region as the public API shows it.
public struct RegionWire: Codable, Sendable, Equatable {
    public var id: Int
    public var region: String
    public var name: String
    public var countryCode: String

    public init(id: Int, region: String, name: String, countryCode: String) {
        self.id = id
        self.region = region
        self.name = name
        self.countryCode = countryCode
    }
}

/// A specification as the public API shows it.
public struct SpecificationWire: Codable, Sendable, Equatable {
    /// A UUID.
    public var id: String
    public var specification: String
    public var vcpus: Int
    public var memoryMb: Int
    public var storageGb: Int

    public init(id: String, specification: String, vcpus: Int, memoryMb: Int, storageGb: Int) {
        self.id = id
        self.specification = specification
        self.vcpus = vcpus
        self.memoryMb = memoryMb
        self.storageGb = storageGb
    }
}

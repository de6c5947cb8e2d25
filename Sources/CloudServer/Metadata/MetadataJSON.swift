import CloudCore

/// The tree of `MetadataTree` as one JSON object, in the form that cloud-init reads.
struct MetadataJSON: Encodable, Sendable, Equatable {
    var id: Int64
    var hostname: String
    var region: String
    var image: String
    var specification: String
    var publicKeys: [String]
    var tags: [String]
    var userData: String?
    var interfaces: Interfaces

    enum CodingKeys: String, CodingKey {
        case id, hostname, region, image, specification, tags, interfaces
        case publicKeys = "public_keys"
        case userData = "user_data"
    }

    struct Interfaces: Encodable, Sendable, Equatable {
        var `private`: [Interface]
        /// Without one, absent.
        var `public`: [Interface]?
    }

    struct Interface: Encodable, Sendable, Equatable {
        var type: String
        /// Of a public address absent, as its netmask and gateway are: the host translates it to the private one.
        var mac: String?
        var ipv4: Address
    }

    struct Address: Encodable, Sendable, Equatable {
        var address: String
        var netmask: String?
        var gateway: String?

        enum CodingKeys: String, CodingKey {
            case address = "ip_address"
            case netmask, gateway
        }
    }

    init(_ compute: Compute) {
        id = compute.id
        hostname = compute.hostName
        region = compute.region
        image = compute.image
        specification = compute.specification
        publicKeys = compute.publicKeys
        tags = compute.tags
        userData = compute.userData
        interfaces = Interfaces(
            private: compute.privateIpv4.map { address in
                [
                    Interface(
                        type: "private", mac: MACAddress(privateIpv4: address).description,
                        ipv4: Address(
                            address: address.description, netmask: compute.network.netmask.description,
                            gateway: compute.network.gateway.description))
                ]
            } ?? [],
            public: compute.publicIpv4.map {
                [Interface(type: "public", ipv4: Address(address: $0.description))]
            })
    }
}

/// The answer of `auth-token` (API reference, "Known clients"): exactly these members.
struct GuestTokenJSON: Encodable, Sendable, Equatable {
    var token: String
    var cloudAPIUrl: String
}

import CloudCore

/// Which addresses and interface names are ours on this host.
public struct NetworkSettings: Sendable, Equatable {
    /// Cut into one network per team.
    public var privateRange: IPv4Network
    /// Length of a team's prefix, e.g. 22 for 1,021 computes.
    public var teamPrefix: Int
    /// Where computes' public addresses come from.
    public var publicPool: [IPv4Network]
    /// What the names of our interfaces and tables begin with; differs where two installations share a host.
    public var namePrefix: String
    /// Where the metadata service listens. An address of ours alone, on `lo` for as long as there are guests, so it
    /// differs where two installations share a host.
    public var metadata: IPv4Endpoint
    /// The user that may open the taps besides root.
    public var tapOwner: String?
    /// This host's own address on the network between the hosts; `nil` for a host that is alone.
    public var underlay: IPv4Address?
    /// The UDP port of the frames between hosts, the same on all of them, and on this host nobody else's.
    public var vxlanPort: Int
    /// The largest IP packet, in bytes, that passes between any two hosts.
    public var underlayMtu: Int
    /// The TCP port by which hosts of the cell reach each other's programs. Guests don't.
    public var linkPort: Int
    /// Connections that a guest may have open at once, of those that it began, and as many of those that were begun from
    /// elsewhere. More are dropped.
    public var guestConnections: Int

    public static let defaultPrivateRange = "10.0.0.0/8"
    public static let defaultTeamPrefix = 22
    /// TEST-NET-3 (RFC 5737): reachable from the host itself and nowhere else, until the operator names a real one.
    public static let defaultPublicPool = ["203.0.113.0/24"]
    public static let defaultNamePrefix = "st"
    /// An address that is known to serve nothing on the clouds where a host may itself be a guest. Only root may listen on
    /// the port, so a machine's user can't take it while the server is down.
    public static let defaultMetadata = "169.254.83.84:288"
    public static let defaultGuestConnections = 8192
    /// From what a desktop needs to a fourth of the kernel's usual table.
    public static let guestConnectionLimits = 64...65536

    /// Throws `.validationError` with every setting that can't work.
    public init(
        privateRange: String = defaultPrivateRange, teamPrefix: Int = defaultTeamPrefix,
        publicPool: [String] = defaultPublicPool, namePrefix: String = defaultNamePrefix,
        metadata: String = defaultMetadata, tapOwner: String? = nil, underlay: String? = nil,
        vxlanPort: Int = defaultVxlanPort, underlayMtu: Int = defaultUnderlayMtu,
        linkPort: Int = defaultLinkPort,
        guestConnections: Int = defaultGuestConnections
    ) throws {
        var problems: [Problem] = []
        func network(_ text: String, _ field: String) -> IPv4Network? {
            guard let network = IPv4Network(text) else {
                problems.append(
                    Problem(
                        field,
                        "'\(text)' is no IPv4 network. Write it as 10.0.0.0/8, without bits past the prefix.")
                )
                return nil
            }
            return network
        }
        let range = network(privateRange, "privateRange")
        let pool = publicPool.enumerated().map { index, text in network(text, "publicPool[\(index)]") }
        let endpoint = IPv4Endpoint(metadata)
        if endpoint == nil {
            problems.append(
                Problem(
                    "metadataListen",
                    "'\(metadata)' is no address with a port. Write it as \(Self.defaultMetadata)."))
        }
        self.underlay = underlay.flatMap { IPv4Address($0) }
        if let underlay, self.underlay == nil {
            problems.append(
                Problem(
                    "underlay", "'\(underlay)' is no IPv4 address. Name one of this host's, as 192.168.7.1."))
        }
        guard let range, let endpoint, problems.isEmpty, pool.allSatisfy({ $0 != nil }) else {
            throw CloudError.invalid(problems)
        }
        self.privateRange = range
        self.teamPrefix = teamPrefix
        self.publicPool = pool.compactMap(\.self)
        self.namePrefix = namePrefix
        self.metadata = endpoint
        self.tapOwner = tapOwner
        self.vxlanPort = vxlanPort
        self.underlayMtu = underlayMtu
        self.linkPort = linkPort
        self.guestConnections = guestConnections
        problems = self.problems
        guard problems.isEmpty else { throw CloudError.invalid(problems) }
    }

    /// Everything about the settings that can't work; empty when they can.
    public var problems: [Problem] {
        rangeProblems + poolProblems + metadataProblems + nameProblems + underlayProblems + connectionProblems
    }

    private var rangeProblems: [Problem] {
        var problems = reserved(privateRange, "privateRange")
        if teamPrefix < privateRange.prefix || !Self.teamPrefixes.contains(teamPrefix) {
            let least = max(privateRange.prefix, Self.teamPrefixes.lowerBound)
            problems.append(
                Problem(
                    "teamPrefix",
                    "\(teamPrefix) does not fit into \(privateRange). Choose \(least) to \(Self.teamPrefixes.upperBound)."
                ))
        }
        return problems
    }

    private var poolProblems: [Problem] {
        publicPool.enumerated().flatMap { index, network in
            let field = "publicPool[\(index)]"
            var problems = reserved(network, field)
            if network.overlaps(privateRange) {
                problems.append(
                    Problem(
                        field,
                        "\(network) overlaps the private range \(privateRange). Choose another of the two."))
            }
            for earlier in publicPool[..<index] where network.overlaps(earlier) {
                problems.append(
                    Problem(field, "\(network) overlaps \(earlier) of the same pool. Name it once."))
            }
            return problems
        }
    }

    private var metadataProblems: [Problem] {
        // What guests send there themselves is dropped with all that is link-local, so it must be link-local too.
        let isLinkLocal = metadata.address.value >> 16 == 0xA9FE
        guard !isLinkLocal || metadata.address == IPv4Endpoint.wellKnownMetadata.address else { return [] }
        return [
            Problem(
                "metadataListen",
                "\(metadata.address) can't be the metadata service's. Choose an address in 169.254.0.0/16 other "
                    + "than \(IPv4Endpoint.wellKnownMetadata.address).")
        ]
    }

    private var connectionProblems: [Problem] {
        guard !Self.guestConnectionLimits.contains(guestConnections) else { return [] }
        return [
            Problem(
                "guestConnections",
                "\(guestConnections) is not a limit of connections. Choose \(Self.guestConnectionLimits.lowerBound) to "
                    + "\(Self.guestConnectionLimits.upperBound).")
        ]
    }

    private var nameProblems: [Problem] {
        var problems: [Problem] = []
        if !NetworkNames.isPrefix(namePrefix) {
            problems.append(
                Problem(
                    "namePrefix",
                    "'\(namePrefix)' can't begin an interface's name. Use 1 to 4 of a to z and 0 to 9."))
        }
        if let tapOwner, !Self.isUserName(tapOwner) {
            problems.append(Problem("tapOwner", "'\(tapOwner)' is no name of a Unix user."))
        }
        return problems
    }

    private func reserved(_ network: IPv4Network, _ field: String) -> [Problem] {
        Self.reservedNetworks.filter { network.overlaps($0) }.map {
            Problem(
                field,
                "\(network) overlaps \($0), which no host may use for guests (RFC 6890). Choose another.")
        }
    }

    /// /8 to /29: from the largest block that is for private use to the smallest with room for a gateway and 5 guests.
    private static let teamPrefixes = 8...29

    /// This host, loopback, link-local, multicast and reserved (RFC 6890).
    static let reservedNetworks = ["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"]
        .compactMap { IPv4Network($0) }

    /// The names that useradd(8) accepts, at most 32 bytes.
    private static func isUserName(_ name: String) -> Bool {
        name.wholeMatch(of: /[a-z_][a-z0-9_-]{0,31}/) != nil
    }
}

extension IPv4Network {
    /// Whether the two have an address in common.
    func overlaps(_ other: IPv4Network) -> Bool { contains(other.base) || other.contains(base) }
}

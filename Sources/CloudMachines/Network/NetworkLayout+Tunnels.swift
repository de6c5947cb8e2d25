import CloudCore

extension NetworkLayout {
    /// This host's place on the network between the hosts.
    struct Underlay: Sendable, Equatable {
        var address: IPv4Address
        var port: Int
        /// See `NetworkSettings.linkPort`.
        var linkPort: Int
        /// See `NetworkSettings.guestMtu`.
        var guestMtu: Int

        init?(_ settings: NetworkSettings) {
            guard let address = settings.underlay, let guestMtu = settings.guestMtu else { return nil }
            self.address = address
            port = settings.vxlanPort
            linkPort = settings.linkPort
            self.guestMtu = guestMtu
        }
    }

    /// The port of a team's bridge through which frames go to its computes on other hosts, in UDP packets (VXLAN,
    /// RFC 7348).
    struct Tunnel: Sendable, Equatable {
        var name: String
        /// The team's id, which tells its frames from those of other teams.
        var networkId: Int64
        var bridge: Bridge
        /// By private address.
        var remotes: [Remote]
    }

    /// A compute on another host.
    struct Remote: Sendable, Equatable {
        var mac: MACAddress
        var privateIpv4: IPv4Address
        /// Its host's address on the underlay.
        var underlay: IPv4Address
    }

    /// VXLAN numbers networks with 24 bits.
    static let lastNetworkId: Int64 = 0xFF_FFFF

    /// Throws `.bug` when the remotes contradict the attachments or themselves, and for a team whose id is no number of a
    /// network: nothing is done then, rather than to let two teams' frames meet under one number.
    func tunnels(to remotes: [RemoteAttachment], bridges: [Int64: Bridge]) throws -> [Tunnel] {
        guard let underlay else { return [] }
        return try Dictionary(grouping: remotes, by: \.teamId).sorted { $0.key < $1.key }.compactMap {
            teamId, remotes in
            guard let bridge = bridges[teamId] else { return nil }
            guard teamId <= Self.lastNetworkId else {
                throw CloudError.bug(
                    "team \(teamId) can't have computes on several hosts: VXLAN numbers networks up to "
                        + "\(Self.lastNetworkId)")
            }
            return Tunnel(
                name: try names.tunnel(teamId: teamId), networkId: teamId, bridge: bridge,
                remotes: try remotes.map { try remote($0, bridge, underlay) }
                    .sorted { $0.privateIpv4 < $1.privateIpv4 })
        }
    }

    private func remote(
        _ remote: RemoteAttachment, _ bridge: Bridge, _ underlay: Underlay
    ) throws -> Remote {
        try Self.check(remote.privateIpv4, of: remote.computeId, remote.network, privateRange)
        guard remote.network == bridge.network else {
            throw CloudError.bug(
                "team \(remote.teamId) has two networks in the plan, one is \(remote.network)")
        }
        guard remote.underlay != underlay.address, !privateRange.contains(remote.underlay) else {
            throw CloudError.bug(
                "compute \(remote.computeId): \(remote.underlay) is no other host's underlay address")
        }
        return Remote(mac: remote.mac, privateIpv4: remote.privateIpv4, underlay: remote.underlay)
    }
}

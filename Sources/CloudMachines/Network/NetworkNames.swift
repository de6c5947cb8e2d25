import CloudCore

/// The names that our things have in the host's kernel. All begin alike, so that ours are told from other people's.
struct NetworkNames: Sendable, Equatable {
    /// See `NetworkSettings.namePrefix`.
    var prefix: String

    /// Longest name that Linux gives an interface (IFNAMSIZ less its zero byte).
    static let interfaceNameLimit = 15

    var bridgePrefix: String { "\(prefix)-br" }
    var tapPrefix: String { "\(prefix)-t" }
    var tunnelPrefix: String { "\(prefix)-vx" }
    /// Patterns of nftables.
    var anyBridge: String { "\"\(bridgePrefix)*\"" }
    var anyTap: String { "\"\(tapPrefix)*\"" }
    var anyTunnel: String { "\"\(tunnelPrefix)*\"" }
    /// Our table, of the same name in the families inet, bridge and arp.
    var table: String { "strettch_\(prefix)" }
    /// Our table of the family inet that is kept when the others are replaced; see `Ruleset.limits`.
    var limitsTable: String { "\(table)_limits" }
    /// Marks our addresses on `lo`. The kernel wants a label to begin with the interface's name.
    var addressLabel: String { "lo:\(prefix)" }

    /// The bridge of a team. Throws `.bug` when the id does not fit into an interface's name.
    func bridge(teamId: Int64) throws -> String { try name(bridgePrefix, teamId) }

    /// The tap of a compute. Throws `.bug` when the id does not fit into an interface's name.
    func tap(computeId: Int64) throws -> String { try name(tapPrefix, computeId) }

    /// The port of a team's bridge that leads to other hosts. Throws `.bug` when the id does not fit into an interface's
    /// name.
    func tunnel(teamId: Int64) throws -> String { try name(tunnelPrefix, teamId) }

    func isBridge(_ name: String) -> Bool { isOurs(name, bridgePrefix) }
    func isTap(_ name: String) -> Bool { isOurs(name, tapPrefix) }
    func isTunnel(_ name: String) -> Bool { isOurs(name, tunnelPrefix) }

    static func isPrefix(_ text: String) -> Bool { text.wholeMatch(of: /[a-z][a-z0-9]{0,3}/) != nil }

    private func name(_ start: String, _ id: Int64) throws -> String {
        let name = "\(start)\(id)"
        guard id > 0, name.utf8.count <= Self.interfaceNameLimit else {
            throw CloudError.bug("id \(id) does not fit into an interface's name: \(name)")
        }
        return name
    }

    private func isOurs(_ name: String, _ start: String) -> Bool {
        name.hasPrefix(start) && name.dropFirst(start.count).wholeMatch(of: /[1-9][0-9]*/) != nil
    }
}

extension NetworkAttachment {
    /// The interface that QEMU opens for this machine on a bridged host. Throws `.bug` when the id is too long.
    public func tapName(prefix: String = NetworkSettings.defaultNamePrefix) throws -> String {
        try NetworkNames(prefix: prefix).tap(computeId: computeId)
    }
}

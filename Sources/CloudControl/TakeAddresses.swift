import CloudCore
import CloudDatabase

/// The addresses that a new compute holds from its first moment on.
struct Addresses {
    var privateIpv4: IPv4Address
    var publicIpv4: IPv4Address?
    var sshPort: Int?
}

/// Takes the addresses of a new compute, in the transaction that makes it.
struct TakeAddresses {
    var computeId: Int64
    var teamId: Int64
    var withPublicIp: Bool

    /// The first hosts of a team's network are kept: .1 is the gateway, .2 to .4 are for services to come.
    static let reservedPerTeam: UInt32 = 5

    /// Throws `UNPROCESSABLE_ENTITY` when there is none left, and `UNAUTHORIZED` when the team is gone.
    func run(_ sql: any SQLConnection, _ settings: CloudSettings, nowMs: Int64) throws -> Addresses {
        var addresses = Addresses(privateIpv4: try privateIpv4(sql, nowMs: nowMs))
        if let ports = settings.sshPorts {
            addresses.sshPort = try port(sql, ports, nowMs: nowMs)
        } else if withPublicIp {
            addresses.publicIpv4 = try publicIpv4(sql, settings, nowMs: nowMs)
        }
        return addresses
    }

    private func privateIpv4(_ sql: any SQLConnection, nowMs: Int64) throws -> IPv4Address {
        guard let network = try sql.teams.network(teamId: teamId) else {
            // Deleted, with its keys, after this request was let in.
            throw CloudError(.unauthorized, "The team was deleted. Use another team's key.")
        }
        let range = AddressRange(
            .private4, teamId: teamId,
            Int64(network.base.value + Self.reservedPerTeam)...Int64(network.last.value - 1))
        guard let number = try sql.addresses.take(from: range, for: computeId, nowMs: nowMs) else {
            throw CloudError(
                .unprocessableEntity,
                "The team's network \(network) has no address left. Delete a compute first.")
        }
        return IPv4Address(UInt32(number))
    }

    /// One that was given back lately is another's only when all that are free were: names and firewalls of others may
    /// still lead to it.
    private func publicIpv4(
        _ sql: any SQLConnection, _ settings: CloudSettings, nowMs: Int64
    ) throws -> IPv4Address {
        let ranges = settings.publicPool.map {
            AddressRange(.public4, Int64($0.base.value)...Int64($0.last.value))
        }
        for range in ranges {
            if let number = try sql.addresses.take(
                from: range, for: computeId, restMs: settings.publicRestMs, nowMs: nowMs)
            {
                return IPv4Address(UInt32(number))
            }
        }
        for range in ranges {
            if let number = try sql.addresses.takeResting(from: range, for: computeId) {
                let address = IPv4Address(UInt32(number))
                try sql.events.append(
                    Event(
                        resourceId: computeId, teamId: teamId, kind: "compute.address.reused",
                        detail:
                            "\(address) was another's within the last \(settings.publicRestMs / 60_000) minutes; "
                            + "the pool has no other",
                        actor: .system), nowMs: nowMs)
                return address
            }
        }
        throw CloudError(
            .unprocessableEntity,
            "There is no public address left. Send withPublicIp false, delete a compute that has one, or ask the "
                + "operator for a larger pool.",
            problems: [Problem("withPublicIp", "no public address is left.")])
    }

    private func port(
        _ sql: any SQLConnection, _ ports: ClosedRange<Int>, nowMs: Int64
    ) throws -> Int {
        let range = AddressRange(.sshPort, Int64(ports.lowerBound)...Int64(ports.upperBound))
        if let port = try sql.addresses.take(from: range, for: computeId, nowMs: nowMs) { return Int(port) }
        throw CloudError(
            .unprocessableEntity,
            "All \(ports.count) SSH ports of this host are in use. Delete a compute first.")
    }
}

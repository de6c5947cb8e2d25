import CloudCore
import CloudDatabase

/// `POST /computes`: exactly one compute for each idempotency key, whatever crashes or is sent twice.
public struct CreateCompute: Sendable {
    public static let endpoint = "POST /computes"

    public var asked: ComputeRequest
    public var request: ChangeRequest

    public init(_ asked: ComputeRequest, request: ChangeRequest) {
        self.asked = asked
        self.request = request
    }

    /// Returns after the commit. Throws `FORBIDDEN`, `VALIDATION_ERROR`, `RESOURCE_NOT_FOUND` for a slug,
    /// `UNPROCESSABLE_ENTITY` for a key that was used otherwise, no room, or no address, the team's standing, and
    /// `INSUFFICIENT_BALANCE`. What throws changes nothing, the idempotency key included.
    public func run(in cloud: Cloud) async throws -> ChangeRequest.Outcome {
        try request.caller.require(.changeComputes)
        let make = MakeCompute(
            asked, caller: request.caller, requestId: request.requestId, cloud.settings)
        let outcome = try await cloud.database.write(.createCompute) { sql in
            let now = cloud.clock.nowMs
            // What was accepted once is answered again, whatever the operator's rules are by now.
            return try request.once(sql, cloud, nowMs: now, keptForLife: true) {
                try make.run(sql, cloud, nowMs: now)
            }
        }
        if !outcome.replayed { cloud.wake() }
        return outcome
    }
}

/// The addresses that a new compute holds from its first moment on.
struct Addresses {
    var privateIpv4: IPv4Address
    var publicIpv4: IPv4Address?
    var sshPort: Int?

    /// The first hosts of a team's network are kept: .1 is the gateway, .2 to .4 are for services to come.
    static let reservedPerTeam: UInt32 = 5

    /// Throws `UNPROCESSABLE_ENTITY` when there is none left.
    static func take(
        _ sql: any SQLConnection, for teamId: Int64, withPublicIp: Bool, _ settings: CloudSettings
    ) throws -> Addresses {
        guard let network = try sql.teams.network(teamId: teamId) else {
            // Deleted, with its keys, after this request was let in.
            throw CloudError(.unauthorized, "The team was deleted. Use another team's key.")
        }
        let hosts =
            IPv4Address(network.base.value + reservedPerTeam)...IPv4Address(network.last.value - 1)
        guard let privateIpv4 = try sql.addresses.freePrivateIpv4(in: hosts) else {
            throw CloudError(
                .unprocessableEntity,
                "The team's network \(network) has no address left. Delete a compute first.")
        }
        var addresses = Addresses(privateIpv4: privateIpv4)
        if let ports = settings.sshPorts {
            addresses.sshPort = try freePort(sql, ports)
        } else if withPublicIp {
            addresses.publicIpv4 = try freePublic(sql, settings.publicPool)
        }
        return addresses
    }

    private static func freePublic(_ sql: any SQLConnection, _ pool: [IPv4Network]) throws -> IPv4Address {
        if let address = try sql.addresses.freePublicIpv4(in: pool) { return address }
        throw CloudError(
            .unprocessableEntity,
            "There is no public address left. Send withPublicIp false, delete a compute that has one, or ask the "
                + "operator for a larger pool.",
            problems: [Problem("withPublicIp", "no public address is left.")])
    }

    private static func freePort(_ sql: any SQLConnection, _ ports: ClosedRange<Int>) throws -> Int {
        if let port = try sql.addresses.freeSSHPort(in: ports) { return port }
        throw CloudError(
            .unprocessableEntity,
            "All \(ports.count) SSH ports of this host are in use. Delete a compute first.")
    }
}

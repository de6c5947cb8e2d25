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

    /// Returns after the commit. Throws `FORBIDDEN`, `VALIDATION_ERROR`, `RESOURCE_NOT_FOUND` for a slug, and
    /// `UNPROCESSABLE_ENTITY` for a key that was used otherwise, no room, or no address. What throws changes nothing,
    /// the idempotency key included.
    public func run(in cloud: Cloud) async throws -> ChangeRequest.Outcome {
        try request.caller.requireChangingComputes()
        let outcome = try await cloud.database.write { sql in
            let now = cloud.clock.nowMs
            // What was accepted once is answered again, whatever the operator's rules are by now.
            return try request.once(sql, nowMs: now, keptForLife: true) {
                try transact(sql, cloud, nowMs: now)
            }
        }
        if !outcome.replayed { cloud.wake() }
        return outcome
    }

    private func transact(_ sql: any SQLConnection, _ cloud: Cloud, nowMs: Int64) throws -> Compute {
        let problems = asked.problems(strictKeys: cloud.settings.strictKeys)
        guard problems.isEmpty else { throw CloudError.invalid(problems) }
        let (region, image, specification) = try asked.resolve(in: cloud.catalogue)
        let taken = try sql.computes.taken()
        try cloud.settings.capacity.check(
            specification, takenVcpus: taken.vcpus, takenMemoryMb: taken.memoryMb)
        let teamId = request.caller.teamId
        let addresses = try Addresses.take(sql, for: teamId, withPublicIp: asked.withPublicIp, cloud.settings)

        let id = try sql.computes.insert(
            NewCompute(
                teamId: teamId, hostName: asked.hostName, image: image.image, specification: specification,
                region: region.region, publicKeys: asked.publicKeys, tags: asked.tags,
                userData: asked.userData,
                deletionProtection: asked.deletionProtection, privateIpv4: addresses.privateIpv4,
                publicIpv4: addresses.publicIpv4, sshPort: addresses.sshPort),
            nowMs: nowMs)
        try sql.jobs.insert(computeId: id, nowMs: nowMs)
        try sql.events.append(
            Event(
                computeId: id, teamId: teamId, kind: ComputeAction.create.eventKind,
                actor: .key(request.caller.keyId), requestId: request.requestId),
            nowMs: nowMs)
        guard let compute = try sql.computes.get(id) else { throw CloudError.bug("compute \(id) vanished") }
        return compute
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
            throw CloudError.bug("no team \(teamId)")
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

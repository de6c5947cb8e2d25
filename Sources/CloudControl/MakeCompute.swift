import CloudCore
import CloudDatabase

/// All checks of a create and the rows that it makes: what `POST /computes` and its dry run share, so that they can't
/// differ.
struct MakeCompute: Sendable {
    var request: ComputeRequest
    var caller: Caller
    var requestId: String

    /// Throws the team's standing, `VALIDATION_ERROR`, `RESOURCE_NOT_FOUND`, `UNPROCESSABLE_ENTITY` and
    /// `INSUFFICIENT_BALANCE`.
    func run(_ sql: any SQLConnection, _ cloud: Cloud) throws -> Compute {
        let wallet = TeamWallet(sql: sql, teamId: caller.teamId, cloud: cloud)
        try wallet.check(.create)
        let problems = request.problems(strictKeys: cloud.settings.strictKeys)
        guard problems.isEmpty else { throw CloudError.invalid(problems) }
        let (region, image, specification) = try request.resolve(in: cloud.catalogue)
        let taken = try sql.computes.taken()
        try cloud.settings.capacity.check(
            specification, takenVcpus: taken.vcpus, takenMemoryMb: taken.memoryMb)
        let addresses = try Addresses.take(
            sql, for: caller.teamId, withPublicIp: request.withPublicIp, cloud.settings)

        let now = cloud.clock.nowMs
        let id = try sql.computes.insert(
            NewCompute(
                teamId: caller.teamId, hostName: request.hostName, image: image.image,
                specification: specification,
                region: region.region, publicKeys: request.publicKeys, tags: request.tags,
                privateIpv4: addresses.privateIpv4, publicIpv4: addresses.publicIpv4,
                sshPort: addresses.sshPort),
            nowMs: now)
        try sql.jobs.insert(computeId: id, step: .image, nowMs: now)
        try sql.events.append(
            Event(
                computeId: id, teamId: caller.teamId, kind: "compute.created", actor: .key(caller.keyId),
                requestId: requestId),
            nowMs: now)
        guard let compute = try sql.computes.get(id) else { throw CloudError.bug("compute \(id) vanished") }
        try wallet.meter(compute, specification)
        try wallet.requireCovered()
        return compute
    }
}

import CloudCore
import CloudDatabase

/// All checks of a create and the rows that it makes: what `POST /computes` and its dry run share, so that they can't
/// differ.
struct MakeCompute: Sendable {
    private let asked: ComputeRequest
    private let caller: Caller
    private let requestId: String
    /// What is wrong with what is asked for, found before the transaction, which others wait for.
    private let problems: [Problem]

    init(_ asked: ComputeRequest, caller: Caller, requestId: String, _ settings: CloudSettings) {
        self.asked = asked
        self.caller = caller
        self.requestId = requestId
        problems = asked.problems(strictKeys: settings.strictKeys)
    }

    /// Throws the team's standing, `VALIDATION_ERROR`, `RESOURCE_NOT_FOUND`, `UNPROCESSABLE_ENTITY` and
    /// `INSUFFICIENT_BALANCE`.
    func run(_ sql: any SQLConnection, _ cloud: Cloud, nowMs: Int64) throws -> Compute {
        let wallet = TeamWallet(sql: sql, teamId: caller.teamId, cloud: cloud)
        try wallet.check(.create, tags: asked.tags)
        guard problems.isEmpty else { throw CloudError.invalid(problems) }
        let own = try ownImage(sql)
        let (region, image, specification) = try asked.resolve(in: cloud.catalogue, own: own?.slug)
        if let image { try Self.checkFit(cloud.imageBytes(image.image), image, specification) }
        if let own { try Self.check(own, specification) }
        let snapshot = try asked.snapshotId.map { try self.snapshot($0, specification, sql) }
        let hostId = try PlaceCompute(
            teamId: caller.teamId, specification: specification, region: region.region,
            image: snapshot?.imageKey ?? own?.key ?? asked.image, tags: asked.tags, snapshot: snapshot
        ).run(sql, cloud, nowMs: nowMs)
        let id = try sql.resources.insert(.compute, teamId: caller.teamId, nowMs: nowMs)
        let addresses = try TakeAddresses(
            computeId: id, teamId: caller.teamId, withPublicIp: asked.withPublicIp
        ).run(sql, cloud.settings, nowMs: nowMs)
        try sql.computes.insert(
            id,
            NewCompute(
                teamId: caller.teamId, hostId: hostId, hostName: asked.hostName,
                image: snapshot?.image ?? asked.image, imageId: snapshot.map(\.imageId) ?? own?.id,
                snapshotId: snapshot?.id,
                specification: specification, region: region.region, publicKeys: asked.publicKeys,
                tags: asked.tags,
                userData: asked.userData,
                deletionProtection: asked.deletionProtection, privateIpv4: addresses.privateIpv4,
                publicIpv4: addresses.publicIpv4, sshPort: addresses.sshPort),
            nowMs: nowMs)
        try sql.jobs.insert(
            id, .compute, ComputeAction.create, machineId: id, hostId: hostId, nowMs: nowMs)
        try sql.events.append(
            Event(
                resourceId: id, teamId: caller.teamId, kind: ComputeAction.create.requestedKind,
                actor: .key(caller.keyId), requestId: requestId),
            nowMs: nowMs)
        guard let compute = try sql.computes.get(id) else { throw CloudError.bug("compute \(id) vanished") }
        try wallet.meter(compute, specification)
        try wallet.requireCovered()
        return compute
    }

    /// The team's own image of that slug, which goes before one of the catalogue; `nil`: it has none, or the disk is to be a copy
    /// of a snapshot. It is held, so that nobody deletes what was found to be READY.
    private func ownImage(_ sql: any SQLConnection) throws -> TeamImage? {
        guard asked.snapshotId == nil,
            let found = try sql.images.get(slug: asked.image, teamId: caller.teamId)
        else { return nil }
        try sql.images.hold(found.id, teamId: caller.teamId)
        return try sql.images.get(found.id)
    }

    /// Throws `CONFLICT` unless it is READY, and `UNPROCESSABLE_ENTITY` when it does not fit.
    private static func check(_ image: TeamImage, _ specification: Specification) throws {
        try image.requireReady()
        guard let made = image.made, made.virtualBytes > Int64(specification.storageGb) << 30 else { return }
        throw tooLarge(image.slug, bytes: made.virtualBytes, specification)
    }

    /// The snapshot that the disk is to be a copy of. Throws `RESOURCE_NOT_FOUND`, `CONFLICT` unless it is READY, and
    /// `UNPROCESSABLE_ENTITY` when it does not fit.
    private func snapshot(
        _ id: Int64, _ specification: Specification, _ sql: any SQLConnection
    ) throws -> Snapshot {
        // Held first, so that nobody deletes what was found to be READY.
        try sql.snapshots.hold(id, teamId: caller.teamId)
        let snapshot = try GetSnapshot.find(id, teamId: caller.teamId, field: "snapshot", sql)
        try snapshot.requireReady()
        guard snapshot.storageGb > specification.storageGb else { return snapshot }
        throw CloudError(
            .unprocessableEntity,
            "Snapshot \(id) is of a disk of \(snapshot.storageGb) GiB, and \(specification.specification) has "
                + "\(specification.storageGb) GiB. Choose a larger specification.",
            problems: [Problem("specification", "has less storage than the snapshot needs.")])
    }

    /// An image never fits into a smaller disk, so nobody has to wait to hear of it.
    private static func checkFit(_ known: Int64?, _ image: Image, _ specification: Specification) throws {
        let bytes = max(known ?? 0, Int64(image.minStorageGb ?? 0) << 30)
        guard bytes > Int64(specification.storageGb) << 30 else { return }
        throw tooLarge(image.image, bytes: bytes, specification)
    }

    private static func tooLarge(
        _ image: String, bytes: Int64, _ specification: Specification
    ) -> CloudError {
        CloudError(
            .unprocessableEntity,
            "The image \(image) needs \(bytes >> 20) MiB of storage, and \(specification.specification) has "
                + "\(specification.storageGb) GiB. Choose a larger specification.",
            problems: [Problem("specification", "has less storage than the image needs.")])
    }
}

extension TeamImage {
    /// Throws `CONFLICT` with the state and a remedy unless disks can lie over it.
    func requireReady() throws(CloudError) {
        let remedy =
            switch state {
            case .ready: ""
            case .uploading: "Send the rest of its file: PUT /images/\(slug)/content?offset=\(received)."
            case .preparing: "Wait until it is READY: GET /images/\(slug)?wait=READY."
            case .failed, .deleting, .deleted: "Choose another: GET /images."
            }
        guard state != .ready else { return }
        throw CloudError(
            .conflict, "The image \(slug) is \(state.rawValue), and no compute can start with it. \(remedy)",
            problems: [Problem("image", "is \(state.rawValue).")])
    }
}

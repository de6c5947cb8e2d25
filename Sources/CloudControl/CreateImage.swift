import CloudCore
import CloudDatabase
import CloudVerbs

/// `POST /images`: begins an image of the team's own.
public struct CreateImage: Sendable {
    public static let endpoint = "POST /images"

    public var asked: ImageRequest
    public var request: ChangeRequest
    public var answer: Answer<TeamImage>

    public init(_ asked: ImageRequest, request: ChangeRequest, answer: @escaping Answer<TeamImage>) {
        self.asked = asked
        self.request = request
        self.answer = answer
    }

    /// Returns after the commit. Throws `FORBIDDEN`, the team's standing, `VALIDATION_ERROR`, `RESOURCE_NOT_FOUND` for what it
    /// is made of, `CONFLICT` when the slug is taken or the state of what it is made of does not allow it,
    /// `UNPROCESSABLE_ENTITY` at a limit or without a host, and `SERVICE_UNAVAILABLE` when all hosts are down.
    public func run(in cloud: Cloud) async throws -> ChangeRequest.Outcome {
        let problems = asked.problems
        return try await request.carryOut(
            .createImage, .changeComputes, in: cloud, keptForLife: true, answer: answer
        ) { sql, nowMs in
            // It begins a cost, as a compute's create does.
            try TeamWallet(sql: sql, teamId: request.caller.teamId, cloud: cloud).check(.create)
            guard problems.isEmpty else { throw CloudError.invalid(problems) }
            return try begin(sql, cloud, nowMs: nowMs)
        }
    }

    private func begin(_ sql: any SQLConnection, _ cloud: Cloud, nowMs: Int64) throws -> TeamImage {
        let teamId = request.caller.teamId
        try checkSlug(sql, cloud, teamId: teamId)
        try checkLimits(sql, cloud, teamId: teamId)
        let hostId = try host(sql, cloud, nowMs: nowMs)
        let new = NewTeamImage(
            teamId: teamId, hostId: hostId, slug: asked.slug, name: asked.name, origin: asked.origin,
            deletionProtection: asked.deletionProtection)
        let id = try sql.imageVerbs.begin(
            new, by: .key(request.caller.keyId), requestId: request.requestId, nowMs: nowMs)
        guard let image = try sql.images.get(id) else { throw CloudError.bug("image \(id) vanished") }
        return image
    }

    private func checkSlug(_ sql: any SQLConnection, _ cloud: Cloud, teamId: Int64) throws {
        let slug = asked.slug
        if let taken = cloud.catalogue.images.first(where: { $0.image.lowercased() == slug.lowercased() }) {
            throw CloudError(
                .conflict, "\(taken.image) is an image of the catalogue. Choose another slug.",
                problems: [Problem("slug", "is the catalogue's.")])
        }
        if let other = try sql.images.get(slug: slug, teamId: teamId) {
            throw CloudError(
                .conflict,
                "The team has an image \(slug), which is \(other.state.rawValue). Choose another slug, or delete it first: "
                    + "DELETE /images/\(slug).",
                problems: [Problem("slug", "is taken.")])
        }
    }

    private func checkLimits(_ sql: any SQLConnection, _ cloud: Cloud, teamId: Int64) throws {
        let (count, uploads) = try sql.images.counts(teamId: teamId)
        guard count < TeamImage.mostOfTeam else {
            throw CloudError(
                .unprocessableEntity,
                "The team has \(count) images, and \(TeamImage.mostOfTeam) are the most that it may have. Delete one first: "
                    + "GET /images?scope=team.")
        }
        guard case .upload(_, let size) = asked.origin else { return }
        let most = cloud.settings.maxImageBytes
        guard size <= most else {
            throw CloudError(
                .unprocessableEntity,
                "The file has \(size) bytes, and the server takes \(most) (\(most >> 30) GiB) at most. Send a smaller one: "
                    + "'qemu-img convert -c -O qcow2' leaves out what is empty.",
                problems: [Problem("size", "is larger than \(most).")])
        }
        guard uploads < TeamImage.mostUploads else {
            throw CloudError(
                .unprocessableEntity,
                "The team has \(uploads) uploads under way, and \(TeamImage.mostUploads) are the most at once. Finish or "
                    + "delete one first: GET /images?scope=team.")
        }
    }

    /// The host that is to make it.
    private func host(_ sql: any SQLConnection, _ cloud: Cloud, nowMs: Int64) throws -> Int64 {
        switch asked.origin {
        case .snapshot(let id):
            let snapshot = try GetSnapshot.find(id, teamId: request.caller.teamId, field: "snapshot", sql)
            try snapshot.requireReady()
            return snapshot.hostId
        case .compute(let id): return try host(ofCompute: id, sql)
        case .upload, .url: return try PlaceImage.run(sql, cloud, nowMs: nowMs)
        }
    }

    private func host(ofCompute id: Int64, _ sql: any SQLConnection) throws -> Int64 {
        guard let compute = try sql.computes.get(id, teamId: request.caller.teamId) else {
            throw CloudError(
                .resourceNotFound,
                "There is no compute \(id) in this team. GET /computes lists those that exist.",
                problems: [Problem("compute", "no compute \(id).")])
        }
        guard compute.state == .stopped, compute.isAtRest else {
            let work = compute.askedAction.map { " ('\($0.rawValue)' is under way)" } ?? ""
            throw CloudError(
                .conflict,
                "Compute \(id) is \(compute.state.rawValue)\(work), and an image is made of one that is STOPPED. "
                    + "POST /computes/\(id)/stop first, or take a snapshot and make the image of that.",
                problems: [Problem("compute", "is \(compute.state.rawValue).")])
        }
        guard try sql.jobs.waitsFor(id) == nil, let hostId = compute.hostId else {
            throw CloudError(
                .conflict,
                "Compute \(id) waits for a snapshot, an image or a move of it. Try again once that is over.",
                problems: [Problem("compute", "is busy.")])
        }
        return hostId
    }
}

/// Finds the host that makes an image of a file.
enum PlaceImage {
    /// This program's own host if it may get something new, since the file then crosses no other; else the one with the most
    /// room on its disk. Throws `UNPROCESSABLE_ENTITY` when no host takes anything, and `SERVICE_UNAVAILABLE` when those that
    /// do are down.
    static func run(_ sql: any SQLConnection, _ cloud: Cloud, nowMs: Int64) throws -> Int64 {
        let own = cloud.ownHost()?.id
        let active = try sql.hosts.list().filter { $0.state == .active }
        guard !active.isEmpty else {
            throw CloudError(
                .unprocessableEntity,
                "No host takes anything new at the moment. Ask the operator, or try again later.")
        }
        let up = active.filter { $0.id == own || !$0.isDown(nowMs: nowMs) }
        if let best = best(of: up, own: own) { return best }
        throw up.isEmpty
            ? CloudError(.serviceUnavailable, "No host that takes images answers. Try again in a minute.")
            : CloudError(
                .unprocessableEntity,
                "No host has room on its disk for an image. Try again later, or ask the operator.")
    }

    static func best(of hosts: [HostRecord], own: Int64?) -> Int64? {
        let roomy = hosts.filter { $0.freeStorageGb > 0 }
        if let own, roomy.contains(where: { $0.id == own }) { return own }
        return roomy.max { ($0.freeStorageGb, -$0.id) < ($1.freeStorageGb, -$1.id) }?.id
    }
}

extension HostRecord {
    /// What is not given out; without a limit as much as there can be.
    fileprivate var freeStorageGb: Int { capacity.storageGb.map { $0 - taken.storageGb } ?? .max }
}

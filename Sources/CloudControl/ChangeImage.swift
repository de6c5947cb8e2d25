import CloudCore
import CloudDatabase
import CloudVerbs

/// `DELETE` and `PATCH /images/{slug}`.
public struct ChangeImage: Sendable {
    /// What is asked for.
    public enum Change: Sendable, Equatable {
        /// Removes it, unless a disk lies over it. One that is being made is not made any further.
        case delete
        case update(ImageUpdate)
    }

    public var slug: String
    public var change: Change
    public var request: ChangeRequest
    public var answer: Answer<TeamImage>

    public init(
        slug: String, change: Change, request: ChangeRequest, answer: @escaping Answer<TeamImage>
    ) {
        self.slug = slug
        self.change = change
        self.request = request
        self.answer = answer
    }

    /// Returns after the commit. Throws `FORBIDDEN`, `RESOURCE_NOT_FOUND`, `VALIDATION_ERROR` for the name, the team's standing
    /// for an update, and `CONFLICT` when it is protected, is being deleted, or disks lie over it.
    public func run(in cloud: Cloud) async throws -> ChangeRequest.Outcome {
        try await request.carryOut(.changeImage, .changeComputes, in: cloud, answer: answer) {
            try transact($0, cloud, nowMs: $1)
        }
    }

    private func transact(_ sql: any SQLConnection, _ cloud: Cloud, nowMs: Int64) throws -> TeamImage {
        let image = try GetImage.find(slug, teamId: request.caller.teamId, sql, cloud)
        // To lift the protection counts as the deletion that it is for, which no standing forbids: it ends a cost.
        if change != .delete, change != .update(ImageUpdate(deletionProtection: false)) {
            try TeamWallet(sql: sql, teamId: image.teamId, cloud: cloud).check(.update)
        }
        switch change {
        case .delete: try delete(image, sql, nowMs: nowMs)
        case .update(let update): try self.update(image, update, sql, nowMs: nowMs)
        }
        guard let changed = try sql.images.get(image.id) else {
            throw CloudError.bug("image \(image.id) vanished")
        }
        return changed
    }

    private func delete(_ image: TeamImage, _ sql: any SQLConnection, nowMs: Int64) throws {
        // It is under way: accepted, and nothing changes.
        guard image.state != .deleting else { return }
        guard !image.deletionProtection else {
            throw CloudError(
                .conflict,
                "Image \(slug) is protected from deletion. PATCH /images/\(slug) with {\"deletionProtection\": false} first.",
                problems: [Problem("deletionProtection", "is true.")])
        }
        let users = try sql.images.users(image.id, limit: Self.mostNamed + 1)
        guard users.isEmpty else { throw Self.inUse(slug, users) }
        try sql.imageVerbs.delete(
            image, by: .key(request.caller.keyId), requestId: request.requestId, nowMs: nowMs)
    }

    /// What lies over an image that a refusal names.
    static let mostNamed = 10

    static func inUse(_ slug: String, _ users: [ImageQueries.User]) -> CloudError {
        let named = users.prefix(mostNamed).map { "\($0.kind.rawValue) \($0.id) (\($0.name))" }.joined(
            separator: ", ")
        let more = users.count > mostNamed ? " and others" : ""
        return CloudError(
            .conflict,
            "Disks lie over image \(slug): those of \(named)\(more). Delete these first.",
            problems: [Problem("slug", "is in use.")])
    }

    private func update(
        _ image: TeamImage, _ update: ImageUpdate, _ sql: any SQLConnection, nowMs: Int64
    ) throws {
        if let name = update.name, let problem = DisplayName.problem(name) {
            throw CloudError.invalid([Problem("name", problem)])
        }
        guard image.state != .deleting else {
            throw CloudError(
                .conflict, "Image \(slug) is DELETING, and nothing of it can be changed any more.")
        }
        try sql.imageVerbs.update(
            image, update, by: .key(request.caller.keyId), requestId: request.requestId, nowMs: nowMs)
    }
}

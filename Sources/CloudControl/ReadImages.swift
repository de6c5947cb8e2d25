import CloudCore
import CloudDatabase

/// An image that a compute can be made of: one of the catalogue's, or one of the team's own.
public enum ShownImage: Sendable, Equatable {
    case ofCatalogue(Image)
    case ofTeam(TeamImage)
}

/// `GET /images/{slug}`.
public struct GetImage: Sendable {
    public var slug: String
    /// `nil`: a guest, who sees the catalogue's alone.
    public var teamId: Int64?

    public init(slug: String, teamId: Int64?) {
        self.slug = slug
        self.teamId = teamId
    }

    /// The team's own goes before the catalogue's. Throws `RESOURCE_NOT_FOUND`, also for another team's image and for one that
    /// is DELETED.
    public func run(in cloud: Cloud) async throws -> ShownImage {
        if let teamId {
            let own = try await cloud.database.glance { sql in try sql.images.get(slug: slug, teamId: teamId)
            }
            if let own { return .ofTeam(own) }
        }
        if let image = cloud.catalogue.image(slug) { return .ofCatalogue(image) }
        throw Self.notFound(slug)
    }

    /// The team's own. Throws `RESOURCE_NOT_FOUND`, also for the catalogue's, which no team changes.
    static func find(_ slug: String, teamId: Int64, _ sql: any SQLConnection, _ cloud: Cloud) throws
        -> TeamImage
    {
        if let image = try sql.images.get(slug: slug, teamId: teamId) { return image }
        guard cloud.catalogue.image(slug) == nil else {
            throw CloudError(
                .resourceNotFound,
                "\(slug) is an image of the catalogue, which every team may use and only the operator can change. "
                    + "GET /images?scope=team lists the team's own.",
                problems: [Problem("slug", "is the catalogue's.")])
        }
        throw notFound(slug)
    }

    static func notFound(_ slug: String) -> CloudError {
        CloudError(
            .resourceNotFound,
            "There is no image '\(slug.shown)' for this team. GET /images lists those that there are.",
            problems: [Problem("slug", "no image '\(slug.shown)'.")])
    }
}

/// `GET /images`: the catalogue's in their order, then the team's own, newest first.
public struct ListImages: Sendable {
    /// `nil`: of both.
    public var scope: ImageScope?
    /// `nil`: a guest, who sees the catalogue's alone.
    public var teamId: Int64?

    public init(scope: ImageScope? = nil, teamId: Int64?) {
        self.scope = scope
        self.teamId = teamId
    }

    /// All of them: a team has at most `TeamImage.mostOfTeam`.
    public func run(in cloud: Cloud) async throws -> [ShownImage] {
        let ofCatalogue = scope == .team ? [] : cloud.catalogue.images.map(ShownImage.ofCatalogue)
        guard scope != .everyone, let teamId else { return ofCatalogue }
        let own = try await cloud.database.glance { sql in
            try sql.images.list(teamId: teamId, limit: TeamImage.mostOfTeam)
        }
        return ofCatalogue + own.map(ShownImage.ofTeam)
    }
}

/// `GET /images/{slug}?wait=…`: answers as soon as the image is in a state that is waited for.
public struct WaitForImage: Sendable {
    public var slug: String
    public var wait: ImageWait
    public var caller: Caller

    public init(slug: String, wait: ImageWait, caller: Caller) {
        self.slug = slug
        self.wait = wait
        self.caller = caller
    }

    /// The image as it is when it has reached one of the states, or can't any more, or the time is up, or the task is
    /// cancelled; one of the catalogue's at once. Throws `UNAUTHORIZED` once the key is revoked, and `RESOURCE_NOT_FOUND` once
    /// it is DELETED, unless that is waited for.
    public func run(in cloud: Cloud) async throws -> ShownImage {
        let evenDeleted = wait.states.contains(.deleted)
        let found = try await cloud.database.glance { sql in
            evenDeleted
                ? try sql.images.newest(slug: slug, teamId: caller.teamId)
                : try sql.images.get(slug: slug, teamId: caller.teamId)
        }
        // The slug may be another image's by the end of the wait, the id can't.
        guard let found else { return try await GetImage(slug: slug, teamId: nil).run(in: cloud) }
        let image = try await wait.run(caller, in: cloud, state: { $0.state }) { sql in
            guard let image = try sql.images.get(found.id), evenDeleted || image.state != .deleted else {
                throw GetImage.notFound(slug)
            }
            return image
        }
        return .ofTeam(image)
    }
}

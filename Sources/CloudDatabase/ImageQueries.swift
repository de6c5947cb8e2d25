import CloudCore

extension SQLConnection {
    public var images: ImageQueries { ImageQueries(sql: self) }
}

/// Images of teams' own.
public struct ImageQueries {
    let sql: any SQLConnection

    static let select =
        "SELECT i.*, \(JobQueries.columns) FROM images i JOIN jobs j ON j.resource_id = i.id"

    /// Inserts an image that is being made, whose id is a new resource's; its job and its meter are the caller's affair. A slug
    /// that another image of the team has is a violation of a constraint.
    public func insert(_ id: Int64, _ new: NewTeamImage, nowMs: Int64) throws {
        let source = SourceColumns(new.origin)
        try sql.later(
            """
            INSERT INTO images (id, team_id, host_id, slug, name, state, origin, source_id, url, format, sha256, size,
                deletion_protection, created_at_ms, updated_at_ms)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)
            """,
            [
                id, new.teamId, new.hostId, new.slug, new.name, new.origin.firstState.rawValue, source.origin,
                source.id, source.url, source.file?.format.rawValue, source.file?.sha256, source.size,
                new.deletionProtection, nowMs,
            ])
    }

    /// The image with this id, whatever its state.
    public func get(_ id: Int64) throws -> TeamImage? {
        try sql.query("\(Self.select) WHERE i.id = $1", [id]).first.map(Self.image)
    }

    /// The team's image with this slug that is not DELETED; there is one at most.
    public func get(slug: String, teamId: Int64) throws -> TeamImage? {
        try sql.query(
            "\(Self.select) WHERE i.team_id = $1 AND i.slug = $2 AND i.state <> 'DELETED'", [teamId, slug]
        ).first.map(Self.image)
    }

    /// At most `limit` of the team's that are not DELETED, newest first: those with an id smaller than `before`.
    public func list(teamId: Int64, before: Int64 = .max, limit: Int) throws -> [TeamImage] {
        try sql.query(
            """
            \(Self.select) WHERE i.team_id = $1 AND i.state <> 'DELETED' AND i.id < $2 ORDER BY i.id DESC LIMIT $3
            """,
            [teamId, before, limit]
        ).map(Self.image)
    }

    /// How many the team has that are not DELETED, and how many of these are being uploaded.
    public func counts(teamId: Int64) throws -> (all: Int, uploads: Int) {
        let row = try sql.query(
            """
            SELECT COUNT(*) AS n, COALESCE(SUM(CASE WHEN state = 'UPLOADING' THEN 1 ELSE 0 END), 0) AS uploads
            FROM images WHERE team_id = $1 AND state <> 'DELETED'
            """, [teamId])[0]
        return (Int(try row.int("n")), Int(try row.int("uploads")))
    }

    /// At most `limit` of the team's that nobody wants gone yet, and over which nothing lies.
    public func toDelete(teamId: Int64, limit: Int) throws -> [TeamImage] {
        try sql.query(
            """
            \(Self.select) WHERE i.team_id = $1 AND i.state <> 'DELETED'
                AND i.state IN ('UPLOADING', 'PREPARING', 'READY', 'FAILED') AND \(Self.isUnused)
            ORDER BY i.id LIMIT $2
            """,
            [teamId, limit]
        ).map(Self.image)
    }

    /// At most `limit` of the holder's images of which a host has anything left, with their slugs, by id.
    public func left(on holder: SnapshotQueries.Holder, limit: Int) throws -> [(id: Int64, name: String)] {
        let (column, id) =
            switch holder {
            case .host(let id): ("host_id", id)
            case .team(let id): ("team_id", id)
            }
        return try sql.query(
            """
            SELECT i.id, i.slug FROM images i JOIN jobs j ON j.resource_id = i.id
            WHERE i.\(column) = $1 AND i.state <> 'DELETED' AND j.step <> 'done' ORDER BY i.id LIMIT $2
            """,
            [id, limit]
        ).map { (try $0.int("id"), try $0.text("slug")) }
    }

    /// Keeps the team's image as it is until the transaction's end. For creates, which go on beside what would delete it.
    public func hold(_ id: Int64, teamId: Int64) throws {
        try sql.execute("UPDATE images SET state = state WHERE id = $1 AND team_id = $2", [id, teamId])
    }

    /// Sets the state. The meter is the caller's affair.
    public func set(_ id: Int64, state: TeamImageState, nowMs: Int64) throws {
        try sql.later(
            "UPDATE images SET state = $2, updated_at_ms = $3 WHERE id = $1", [id, state.rawValue, nowMs])
    }

    /// Says how many bytes of an upload are on its host.
    public func set(_ id: Int64, received: Int64, nowMs: Int64) throws {
        try sql.later(
            "UPDATE images SET received = $2, updated_at_ms = $3 WHERE id = $1", [id, received, nowMs])
    }

    /// Says what was made.
    public func set(_ id: Int64, made: MadeImage) throws {
        try sql.later(
            "UPDATE images SET bytes = $2, virtual_bytes = $3, content = $4 WHERE id = $1",
            [id, made.bytes, made.virtualBytes, made.content])
    }

    public func set(_ id: Int64, failure: ComputeFailure?) throws {
        try sql.later(
            "UPDATE images SET failure_code = $2, failure_message = $3 WHERE id = $1",
            [id, failure?.code.rawValue, failure?.message])
    }

    /// Sets what its owner may change.
    public func set(_ id: Int64, name: String, deletionProtection: Bool, nowMs: Int64) throws {
        try sql.later(
            "UPDATE images SET name = $2, deletion_protection = $3, updated_at_ms = $4 WHERE id = $1",
            [id, name, deletionProtection, nowMs])
    }

    /// Makes another host the one that keeps it, and its job that host's. Whoever holds the job's lease has lost it.
    public func give(_ id: Int64, to hostId: Int64) throws {
        try sql.later("UPDATE images SET host_id = $2 WHERE id = $1", [id, hostId])
        try sql.jobs.give(id, to: hostId)
    }

    static func image(_ row: SQLRow) throws -> TeamImage {
        var image = TeamImage(
            id: try row.int("id"), teamId: try row.int("team_id"), hostId: try row.int("host_id"),
            slug: try row.text("slug"), name: try row.text("name"), state: try row.value("state"),
            origin: try SourceColumns.origin(row), received: try row.int("received"), made: nil,
            deletionProtection: try row.int("deletion_protection") != 0, failure: nil,
            createdAtMs: try row.int("created_at_ms"), updatedAtMs: try row.int("updated_at_ms"),
            job: try JobQueries.job(row))
        if let bytes = try row.intOrNil("bytes"), let virtualBytes = try row.intOrNil("virtual_bytes"),
            let content = try row.textOrNil("content")
        {
            image.made = MadeImage(bytes: bytes, virtualBytes: virtualBytes, content: content)
        }
        if let message = try row.textOrNil("failure_message") {
            image.failure = ComputeFailure(try row.value("failure_code"), message)
        }
        return image
    }
}

/// What an image is made of, as columns.
private struct SourceColumns {
    var origin: String
    var id: Int64?
    var url: String?
    var file: ImageFile?
    var size: Int64?

    init(_ origin: ImageOrigin) {
        switch origin {
        case .snapshot(let id): (self.origin, self.id) = ("snapshot", id)
        case .compute(let id): (self.origin, self.id) = ("compute", id)
        case .upload(let file, let size): (self.origin, self.file, self.size) = ("upload", file, size)
        case .url(let url, let file): (self.origin, self.url, self.file) = ("url", url, file)
        }
    }

    static func origin(_ row: SQLRow) throws -> ImageOrigin {
        switch try row.text("origin") {
        case "snapshot": .snapshot(id: try row.int("source_id"))
        case "compute": .compute(id: try row.int("source_id"))
        case "upload": .upload(try file(row), size: try row.int("size"))
        case "url": .url(try row.text("url"), try file(row))
        case let other: throw CloudError.bug("an image of '\(other)'")
        }
    }

    private static func file(_ row: SQLRow) throws -> ImageFile {
        ImageFile(try row.value("format"), sha256: try row.textOrNil("sha256"))
    }
}

import CloudCore

/// What lies over images of teams' own, and where they are.
extension ImageQueries {
    /// A compute or a snapshot whose disk lies over an image.
    public struct User: Sendable, Equatable {
        public var kind: ResourceKind
        public var id: Int64
        public var name: String
    }

    /// At most `limit` computes that are not DESTROYED, and as many snapshots that are not DELETED, whose disks lie over the
    /// image or are being made over it: computes first, each by id.
    public func users(_ id: Int64, limit: Int) throws -> [User] {
        let computes = try sql.query(
            """
            SELECT id, host_name AS name FROM computes WHERE image_id = $1 AND state <> 'DESTROYED'
            ORDER BY id LIMIT $2
            """, [id, limit]
        ).map { User(kind: .compute, id: try $0.int("id"), name: try $0.text("name")) }
        let snapshots = try sql.query(
            """
            SELECT id, name FROM snapshots WHERE image_id = $1 AND state <> 'DELETED' ORDER BY id LIMIT $2
            """, [id, limit]
        ).map { User(kind: .snapshot, id: try $0.int("id"), name: try $0.text("name")) }
        return computes + snapshots
    }

    /// That nothing lies over an image `i`.
    static let isUnused =
        """
        NOT EXISTS (SELECT 1 FROM computes c WHERE c.image_id = i.id AND c.state <> 'DESTROYED')
        AND NOT EXISTS (SELECT 1 FROM snapshots s WHERE s.image_id = i.id AND s.state <> 'DELETED')
        """

    /// The images that are being made of the compute's disk or of the snapshot, by id.
    public func beingMade(of sourceId: Int64) throws -> [TeamImage] {
        try sql.query(
            "\(Self.select) WHERE i.source_id = $1 AND i.state = 'PREPARING' ORDER BY i.id", [sourceId]
        ).map(Self.image)
    }

    /// The ids of those of which anything may be where the host keeps its own: its own, those of hosts that keep theirs there,
    /// and all that it may have fetched from others.
    public func onHost(_ hostId: Int64) throws -> Set<Int64> {
        Set(
            try sql.query(
                """
                SELECT resource_id AS id FROM jobs WHERE step <> 'done' AND kind = 'image' AND host_id IN (
                    SELECT id FROM hosts WHERE id = $1 OR store = (SELECT store FROM hosts WHERE id = $1)
                )
                UNION SELECT id FROM images WHERE state IN ('READY', 'DELETING')
                """, [hostId]
            ).map { try $0.int("id") })
    }

    /// Those among them that are DELETED: whatever a host has of these is a copy that nobody needs.
    public func deleted(among ids: Set<Int64>) throws -> [TeamImage] {
        guard !ids.isEmpty else { return [] }
        let places = (1...ids.count).map { "$\($0)" }.joined(separator: ", ")
        return try sql.query(
            "\(Self.select) WHERE i.state = 'DELETED' AND i.id IN (\(places)) ORDER BY i.id", ids.sorted()
        ).map(Self.image)
    }

    /// Those of a host that are not DELETED, by id.
    public func list(hostId: Int64) throws -> [TeamImage] {
        try sql.query(
            "\(Self.select) WHERE i.host_id = $1 AND i.state <> 'DELETED' ORDER BY i.id", [hostId]
        ).map(Self.image)
    }

    /// Hosts besides the image's own that were seen to have all of it, are not removed and were heard of since `aliveSinceMs`,
    /// by id.
    public func otherHosts(of image: TeamImage, aliveSinceMs: Int64) throws -> [Int64] {
        try sql.query(
            """
            SELECT h.id FROM host_images i JOIN hosts h ON h.id = i.host_id
            WHERE i.image = $1 AND h.id <> $2 AND h.state <> 'REMOVED' AND h.heartbeat_ms >= $3 ORDER BY h.id
            """, [image.key, image.hostId, aliveSinceMs]
        ).map { try $0.int("id") }
    }
}

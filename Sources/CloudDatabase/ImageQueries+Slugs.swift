import CloudCore

/// What finds images by their slugs, whatever became of them.
extension ImageQueries {
    /// The team's image that has this slug; else the last that had it, which is DELETED.
    public func newest(slug: String, teamId: Int64) throws -> TeamImage? {
        try sql.query(
            "\(Self.select) WHERE i.team_id = $1 AND i.slug = $2 ORDER BY i.id DESC LIMIT 1", [teamId, slug]
        ).first.map(Self.image)
    }
}

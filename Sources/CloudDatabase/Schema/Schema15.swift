extension Migrations {
    /// Lists by tag and state are found along an index: each tag's row has its compute's state.
    @Sendable
    static func schema15(_ dialect: Dialect) -> [String] {
        [
            "ALTER TABLE compute_tags ADD COLUMN state TEXT NOT NULL DEFAULT ''",
            "UPDATE compute_tags SET state = (SELECT state FROM computes WHERE id = compute_id)",
            "CREATE INDEX compute_tags_by_state ON compute_tags (team_id, tag, state, compute_id)",
        ]
    }
}

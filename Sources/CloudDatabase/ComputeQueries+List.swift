import CloudCore

/// The lists that owners see.
extension ComputeQueries {
    /// At most `limit` of the team's computes that are not DESTROYED and pass the filter, newest first: those with an
    /// id smaller than `before`, without the first `offset`.
    public func list(
        teamId: Int64, filter: ComputeFilter = ComputeFilter(), before: Int64 = .max, limit: Int,
        offset: Int = 0
    ) throws -> [Compute] {
        var conditions = Conditions(teamId: teamId, filter: filter)
        conditions.add("\(conditions.id) <", before)
        let order = "ORDER BY \(conditions.id) DESC"
        let part = "LIMIT \(conditions.bind(limit)) OFFSET \(conditions.bind(offset))"
        return try sql.query(
            """
            \(Self.select) WHERE c.id IN (
                SELECT \(conditions.id) FROM \(conditions.tables) WHERE \(conditions.text) \(order) \(part)
            ) ORDER BY c.id DESC
            """,
            conditions.arguments
        ).map(Self.compute)
    }

    /// How many of the team's computes are not DESTROYED and pass the filter. Those with a host name, and those with more
    /// than one tag, are counted one by one, along the index of the name or of the first tag.
    public func count(teamId: Int64, filter: ComputeFilter = ComputeFilter()) throws -> Int {
        if let count = try sql.totals.count(teamId: teamId, filter: filter) { return count }
        let conditions = Conditions(teamId: teamId, filter: filter)
        return Int(
            try sql.query(
                "SELECT COUNT(*) AS n FROM \(conditions.tables) WHERE \(conditions.text)",
                conditions.arguments
            )[0].int("n"))
    }

    /// The team's compute with this id, whatever its state.
    public func getEvenDestroyed(_ id: Int64, teamId: Int64) throws -> Compute? {
        try sql.query("\(Self.select) WHERE c.id = $1 AND c.team_id = $2", [id, teamId]).first.map(
            Self.compute)
    }

    /// Lets the compute be found and counted by these tags and no others. To be called by whatever sets its tags.
    func index(_ tags: [String], of id: Int64) throws {
        try sql.totals.leave(id)
        try removeTags(of: id)
        for tag in tags {
            try sql.later(
                """
                INSERT INTO compute_tags (team_id, tag, compute_id)
                SELECT team_id, CAST($2 AS TEXT), id FROM computes WHERE id = $1
                """,
                [id, tag])
        }
        try sql.totals.enter(id)
    }

    /// Lets the compute, which is not counted at the moment, be found by no tag.
    func removeTags(of id: Int64) throws {
        try sql.totals.forget(id)
        try sql.later("DELETE FROM compute_tags WHERE compute_id = $1", [id])
    }

    /// Lets a compute that is new be found and counted.
    func insert(_ tags: [String], of id: Int64, teamId: Int64) throws {
        for tag in tags {
            try sql.later(
                "INSERT INTO compute_tags (team_id, tag, compute_id) VALUES ($1, $2, $3)", [teamId, tag, id])
        }
        try sql.totals.enter(id)
    }
}

/// A filter as SQL. With a tag the walk goes along that tag's rows, which are in the order of the computes' ids and of
/// none that is DESTROYED; the join is CROSS so that SQLite keeps to it. PostgreSQL plans as it sees fit.
private struct Conditions {
    private(set) var arguments: [any SQLArgument] = []
    private var terms: [String] = []
    /// Computes as `c`, the rows of the first tag as `g`, or both.
    let tables: String
    /// The column that is read in order.
    let id: String

    var text: String { terms.joined(separator: " AND ") }

    init(teamId: Int64, filter: ComputeFilter) {
        let columns: [(String, String?)] = [
            ("c.state =", filter.state?.rawValue), ("c.region =", filter.region),
            ("LOWER(c.host_name) =", filter.hostName?.lowercased()),
        ]
        let needsRows = filter.tags.isEmpty || columns.contains { $0.1 != nil }
        id = filter.tags.isEmpty ? "c.id" : "g.compute_id"
        tables = [filter.tags.isEmpty ? nil : "compute_tags g", needsRows ? "computes c" : nil]
            .compactMap(\.self).joined(separator: " CROSS JOIN ")
        addTags(filter.tags, teamId: teamId)
        guard needsRows else { return }
        if !filter.tags.isEmpty { terms.append("c.id = g.compute_id") }
        add("c.team_id =", teamId)
        terms.append("c.state <> 'DESTROYED'")
        for (comparison, value) in columns {
            if let value { add(comparison, value) }
        }
    }

    private mutating func addTags(_ tags: [String], teamId: Int64) {
        guard let first = tags.first else { return }
        add("g.team_id =", teamId)
        add("g.tag =", first)
        for tag in tags.dropFirst() {
            terms.append(
                """
                EXISTS (
                    SELECT 1 FROM compute_tags h
                    WHERE h.team_id = g.team_id AND h.tag = \(bind(tag)) AND h.compute_id = g.compute_id
                )
                """)
        }
    }

    /// Adds a comparison with a bound value.
    mutating func add(_ comparison: String, _ value: any SQLArgument) {
        terms.append("\(comparison) \(bind(value))")
    }

    /// The placeholder for a value.
    mutating func bind(_ value: any SQLArgument) -> String {
        arguments.append(value)
        return "$\(arguments.count)"
    }
}

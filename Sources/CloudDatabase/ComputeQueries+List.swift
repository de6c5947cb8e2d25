import CloudCore

/// The lists that owners see.
extension ComputeQueries {
    /// At most `limit` of the team's computes that are not DESTROYED and pass the filter, newest first: those with an
    /// id smaller than `before`.
    public func list(
        teamId: Int64, filter: ComputeFilter = ComputeFilter(), before: Int64 = .max, limit: Int
    ) throws -> [Compute] {
        var conditions = Conditions(teamId: teamId, filter: filter)
        conditions.add("\(conditions.id) <", before)
        return try list(conditions, "DESC", limit: limit, offset: 0)
    }

    /// The same without the first `offset`, and how many there are in all. The walk past those that are left out begins at
    /// the nearer end.
    public func page(
        teamId: Int64, filter: ComputeFilter = ComputeFilter(), offset: Int, limit: Int
    ) throws -> (computes: [Compute], total: Int) {
        let total = try count(teamId: teamId, filter: filter)
        guard offset < total else { return ([], total) }
        let count = min(limit, total - offset)
        let rest = total - offset - count
        let (direction, passed) = offset <= rest ? ("DESC", offset) : ("ASC", rest)
        let computes =
            filter == ComputeFilter()
            ? try all(teamId, direction, limit: count, offset: passed)
            : try list(
                Conditions(teamId: teamId, filter: filter), direction, limit: count, offset: passed)
        return (computes, total)
    }

    /// Newest first, of a team that has as many as are passed over and shown. In the order of teams the walk begins at the
    /// team's first or last and can't leave it, so it compares nothing on its way, which would triple its time. Whose each
    /// is that it comes to is asked all the same, of at most `limit`.
    private func all(_ teamId: Int64, _ direction: String, limit: Int, offset: Int) throws -> [Compute] {
        try sql.query(
            """
            \(Self.select) WHERE +c.team_id = $1 AND c.id IN (
                SELECT c.id FROM computes c
                WHERE c.team_id \(direction == "DESC" ? "<=" : ">=") $1 AND c.state <> 'DESTROYED'
                ORDER BY c.team_id \(direction), c.id \(direction) LIMIT $2 OFFSET $3
            ) ORDER BY c.id DESC
            """,
            [teamId, limit, offset]
        ).map(Self.compute)
    }

    /// Newest first, whichever end the walk begins at.
    private func list(
        _ conditions: Conditions, _ direction: String, limit: Int, offset: Int
    ) throws -> [Compute] {
        var conditions = conditions
        let order = "ORDER BY \(conditions.id) \(direction)"
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
                INSERT INTO resource_tags (team_id, tag, resource_id, state)
                SELECT team_id, CAST($2 AS TEXT), id, state FROM computes WHERE id = $1
                """,
                [id, tag])
        }
        try sql.totals.enter(id)
    }

    /// Lets the compute, which is not counted at the moment, be found by no tag.
    func removeTags(of id: Int64) throws {
        try sql.totals.forget(id)
        try sql.later("DELETE FROM resource_tags WHERE resource_id = $1", [id])
    }

    /// Lets the compute be found by its tags and this state.
    func index(_ state: ComputeState, of id: Int64) throws {
        try sql.later("UPDATE resource_tags SET state = $2 WHERE resource_id = $1", [id, state.rawValue])
    }

    /// Lets a compute that is new, and so CREATING, be found and counted.
    func insert(_ tags: [String], of id: Int64, teamId: Int64) throws {
        for tag in tags {
            try sql.later(
                "INSERT INTO resource_tags (team_id, tag, resource_id, state) VALUES ($1, $2, $3, 'CREATING')",
                [teamId, tag, id])
        }
        try sql.totals.enter(id)
    }
}

/// A filter as SQL. With a tag the walk goes along that tag's rows, with a state along those of both, which are in the order
/// of the computes' ids and of none that is DESTROYED; the join is CROSS so that SQLite keeps to it. PostgreSQL plans as it
/// sees fit.
private struct Conditions {
    private(set) var arguments: [any SQLArgument] = []
    private var terms: [String] = []
    /// Computes as `c`, the rows of the first tag as `g`, or both.
    let tables: String
    /// The column that is read in order.
    let id: String

    var text: String { terms.joined(separator: " AND ") }

    init(teamId: Int64, filter: ComputeFilter) {
        let isTagged = !filter.tags.isEmpty
        let columns: [(String, String?)] = [
            ("c.region =", filter.region), ("LOWER(c.host_name) =", filter.hostName?.lowercased()),
        ]
        let needsRows = !isTagged || columns.contains { $0.1 != nil }
        id = isTagged ? "g.resource_id" : "c.id"
        tables = [isTagged ? "resource_tags g" : nil, needsRows ? "computes c" : nil]
            .compactMap(\.self).joined(separator: " CROSS JOIN ")
        addTags(filter.tags, teamId: teamId)
        if let state = filter.state { add(isTagged ? "g.state =" : "c.state =", state.rawValue) }
        guard needsRows else { return }
        if isTagged { terms.append("c.id = g.resource_id") }
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
                    SELECT 1 FROM resource_tags h
                    WHERE h.team_id = g.team_id AND h.tag = \(bind(tag)) AND h.resource_id = g.resource_id
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

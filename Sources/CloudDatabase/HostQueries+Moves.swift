import CloudCore

/// What brings a compute from one host to another.
extension HostQueries {
    /// Gives a compute and its job another host. The rooms on both are the caller's affair. Whoever holds the job's lease has
    /// lost it.
    public func move(_ computeId: Int64, to hostId: Int64) throws {
        try sql.execute("UPDATE computes SET host_id = $2 WHERE id = $1", [computeId, hostId])
        try sql.jobs.give(computeId, to: hostId)
    }

    /// Takes the host from its owner, which can save nothing from then on, and lets it get no new computes. False when that
    /// was done before, and no worker has taken the host over since.
    public func fence(_ id: Int64) throws -> Bool {
        try sql.execute(
            """
            UPDATE hosts SET owner = NULL, epoch = epoch + 1,
                state = CASE WHEN state = 'ACTIVE' THEN 'CORDONED' ELSE state END
            WHERE id = $1 AND owner IS NOT NULL
            """, [id]) == 1
    }

    /// Whether no worker has taken the host over since `fence`.
    public func isFenced(_ id: Int64) throws -> Bool {
        try !sql.query("SELECT 1 AS fenced FROM hosts WHERE id = $1 AND owner IS NULL", [id]).isEmpty
    }

    /// At most `limit` of the host's computes that are not DESTROYED, by id, above `afterId`.
    public func page(of hostId: Int64, afterId: Int64, limit: Int) throws -> [Compute] {
        try sql.query(
            """
            \(ComputeQueries.select) WHERE c.host_id = $1 AND c.state <> 'DESTROYED' AND c.id > $2
            ORDER BY c.id LIMIT $3
            """, [hostId, afterId, limit]
        ).map(ComputeQueries.compute)
    }

    /// Those of the machines whose computes are on other hosts than this one, and not over.
    public func elsewhere(_ machines: Set<Int64>, than hostId: Int64) throws -> Set<Int64> {
        guard !machines.isEmpty else { return [] }
        let places = (2...machines.count + 1).map { "$\($0)" }.joined(separator: ", ")
        let rows = try sql.query(
            "SELECT resource_id FROM jobs WHERE host_id <> $1 AND step <> 'done' AND kind = 'compute' AND resource_id IN (\(places))",
            [hostId] + machines.sorted())
        return Set(try rows.map { try $0.int("resource_id") })
    }
}

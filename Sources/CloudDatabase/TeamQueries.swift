import CloudCore

extension SQLConnection {
    /// Tells this cell's machines from those of others on the same host; `nil` before the first start.
    public func installationId() throws -> String? {
        try query("SELECT installation_id FROM cell").first?.text("installation_id")
    }

    /// Sets the cell's installation id, once for the life of the database.
    public func setInstallationId(_ id: String) throws {
        try execute("INSERT INTO cell (installation_id) VALUES ($1)", [id])
    }

    public var teams: TeamQueries { TeamQueries(sql: self) }
}

/// Teams. One that is deleted keeps its row, and is found by nothing here but `count`.
public struct TeamQueries {
    let sql: any SQLConnection

    /// Inserts a team with an empty wallet, and returns its id.
    public func insert(name: String, network: IPv4Network, nowMs: Int64) throws -> Int64 {
        let id = try sql.query(
            """
            INSERT INTO teams (name, network_base, network_prefix, created_at_ms) VALUES ($1, $2, $3, $4)
            RETURNING id
            """,
            [name, network.base, network.prefix, nowMs]
        )[0].int("id")
        try sql.wallets.insert(teamId: id, nowMs: nowMs)
        return id
    }

    public func get(_ id: Int64) throws -> Team? {
        try sql.query("SELECT * FROM teams WHERE id = $1 AND deleted_at_ms IS NULL", [id]).first.map(
            Self.team)
    }

    public func get(name: String) throws -> Team? {
        try sql.query("SELECT * FROM teams WHERE name = $1 AND deleted_at_ms IS NULL", [name]).first.map(
            Self.team)
    }

    /// Every team, by name.
    public func list() throws -> [Team] {
        try sql.query("SELECT * FROM teams WHERE deleted_at_ms IS NULL ORDER BY name").map(Self.team)
    }

    /// How many teams there have ever been.
    public func count() throws -> Int64 {
        try sql.query("SELECT COUNT(*) AS n FROM teams")[0].int("n")
    }

    public func network(teamId: Int64) throws -> IPv4Network? { try get(teamId)?.network }

    /// The networks that are given out, lowest first.
    public func networks() throws -> [IPv4Network] {
        try sql.query(
            """
            SELECT network_base, network_prefix FROM teams WHERE deleted_at_ms IS NULL ORDER BY network_base
            """
        ).map(Self.network)
    }

    /// Deletes the team: its name and network are free from now on.
    public func delete(_ id: Int64, nowMs: Int64) throws {
        try sql.execute(
            "UPDATE teams SET deleted_at_ms = $2 WHERE id = $1 AND deleted_at_ms IS NULL", [id, nowMs])
    }

    static func network(_ row: SQLRow) throws -> IPv4Network {
        let base = IPv4Address(UInt32(try row.int("network_base")))
        guard let network = IPv4Network(base: base, prefix: Int(try row.int("network_prefix"))) else {
            throw CloudError.bug("a team's network is no CIDR block: \(row)")
        }
        return network
    }

    private static func team(_ row: SQLRow) throws -> Team {
        Team(
            id: try row.int("id"), name: try row.text("name"), network: try network(row),
            createdAtMs: try row.int("created_at_ms"))
    }
}

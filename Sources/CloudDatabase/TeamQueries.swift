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

/// Teams and their API keys.
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

    public func id(name: String) throws -> Int64? {
        try sql.query("SELECT id FROM teams WHERE name = $1", [name]).first?.int("id")
    }

    public func count() throws -> Int64 {
        try sql.query("SELECT COUNT(*) AS n FROM teams")[0].int("n")
    }

    public func network(teamId: Int64) throws -> IPv4Network? {
        try sql.query("SELECT network_base, network_prefix FROM teams WHERE id = $1", [teamId]).first
            .map(Self.network)
    }

    /// The networks that are given out, lowest first.
    public func networks() throws -> [IPv4Network] {
        try sql.query("SELECT network_base, network_prefix FROM teams ORDER BY network_base").map(
            Self.network)
    }

    static func network(_ row: SQLRow) throws -> IPv4Network {
        let base = IPv4Address(UInt32(try row.int("network_base")))
        guard let network = IPv4Network(base: base, prefix: Int(try row.int("network_prefix"))) else {
            throw CloudError.bug("a team's network is no CIDR block: \(row.values)")
        }
        return network
    }

    /// - Parameter hash: SHA-256 of the key, 64 hexadecimal digits. The key itself is never stored.
    public func insertKey(teamId: Int64, name: String, role: Role, hash: String, nowMs: Int64) throws -> Int64
    {
        try sql.query(
            """
            INSERT INTO api_keys (team_id, name, role, key_hash, created_at_ms) VALUES ($1, $2, $3, $4, $5)
            RETURNING id
            """,
            [teamId, name, role.rawValue, hash, nowMs]
        )[0].int("id")
    }

    /// The key with this hash, unless it is revoked.
    public func key(hash: String) throws -> (id: Int64, teamId: Int64, role: Role)? {
        try sql.query(
            "SELECT id, team_id, role FROM api_keys WHERE key_hash = $1 AND revoked_at_ms IS NULL", [hash]
        ).first.map { (try $0.int("id"), try $0.int("team_id"), try $0.value("role")) }
    }

    /// Whether there was a key to revoke.
    public func revokeKey(id: Int64, nowMs: Int64) throws -> Bool {
        try sql.execute(
            "UPDATE api_keys SET revoked_at_ms = $2 WHERE id = $1 AND revoked_at_ms IS NULL", [id, nowMs])
            == 1
    }
}

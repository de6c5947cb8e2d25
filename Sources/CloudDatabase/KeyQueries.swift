import CloudCore

extension SQLConnection {
    public var keys: KeyQueries { KeyQueries(sql: self) }
}

/// An API key that is about to be inserted.
public struct NewKey: Sendable {
    public var teamId: Int64
    public var name: String
    public var role: Role
    /// SHA-256 of the key, 64 hexadecimal digits. The key itself is never stored.
    public var hash: String

    public init(teamId: Int64, name: String, role: Role, hash: String) {
        self.teamId = teamId
        self.name = name
        self.role = role
        self.hash = hash
    }
}

/// The API keys of teams. One that is revoked keeps its row.
public struct KeyQueries {
    let sql: any SQLConnection

    /// Inserts a key and returns it.
    public func insert(_ new: NewKey, nowMs: Int64) throws -> TeamKey {
        try Self.key(
            try sql.query(
                """
                INSERT INTO api_keys (team_id, name, role, key_hash, created_at_ms)
                VALUES ($1, $2, $3, $4, $5)
                RETURNING *
                """,
                [new.teamId, new.name, new.role.rawValue, new.hash, nowMs])[0])
    }

    /// Whose key has this hash, unless it is revoked. Every request asks, so it has no more than who asks.
    public func owner(hash: String) throws -> (keyId: Int64, teamId: Int64, role: Role)? {
        try sql.query(
            "SELECT id, team_id, role FROM api_keys WHERE key_hash = $1 AND revoked_at_ms IS NULL", [hash]
        ).first.map { (try $0.int("id"), try $0.int("team_id"), try $0.value("role")) }
    }

    /// The role that the team's key has now; `nil` when it is revoked.
    public func role(_ id: Int64, teamId: Int64) throws -> Role? {
        try sql.query(
            "SELECT role FROM api_keys WHERE id = $1 AND team_id = $2 AND revoked_at_ms IS NULL",
            [id, teamId]
        ).first?.value("role")
    }

    /// The team's key with this id, also when it is revoked.
    public func get(_ id: Int64, teamId: Int64) throws -> TeamKey? {
        try sql.query("SELECT * FROM api_keys WHERE id = $1 AND team_id = $2", [id, teamId]).first.map(
            Self.key)
    }

    /// The team's key with this name, unless it is revoked: then the name is free.
    public func get(name: String, teamId: Int64) throws -> TeamKey? {
        try sql.query(
            "SELECT * FROM api_keys WHERE name = $1 AND team_id = $2 AND revoked_at_ms IS NULL",
            [name, teamId]
        ).first.map(Self.key)
    }

    /// The key that the team's request with this Idempotency-Key made before such requests were kept in `idempotency_keys`.
    public func get(olderIdempotencyKey: String, teamId: Int64) throws -> TeamKey? {
        try sql.query(
            "SELECT * FROM api_keys WHERE idempotency_key = $1 AND team_id = $2",
            [olderIdempotencyKey, teamId]
        ).first.map(Self.key)
    }

    /// The team's keys, newest first, those that are revoked among them.
    public func list(teamId: Int64, limit: Int, offset: Int) throws -> [TeamKey] {
        try sql.query(
            "SELECT * FROM api_keys WHERE team_id = $1 ORDER BY id DESC LIMIT $2 OFFSET $3",
            [teamId, limit, offset]
        ).map(Self.key)
    }

    /// How many keys `list` has in all.
    public func count(teamId: Int64) throws -> Int {
        Int(
            try sql.query("SELECT COUNT(*) AS n FROM api_keys WHERE team_id = $1", [teamId])[0].int("n"))
    }

    /// The team's keys that work, oldest first.
    public func working(teamId: Int64) throws -> [TeamKey] {
        try sql.query(
            "SELECT * FROM api_keys WHERE team_id = $1 AND revoked_at_ms IS NULL ORDER BY id", [teamId]
        ).map(Self.key)
    }

    /// How many keys `working` has.
    public func workingCount(teamId: Int64) throws -> Int {
        Int(
            try sql.query(
                "SELECT COUNT(*) AS n FROM api_keys WHERE team_id = $1 AND revoked_at_ms IS NULL", [teamId])[
                    0
                ].int("n"))
    }

    /// Whether there was a key to revoke.
    @discardableResult
    public func revoke(_ id: Int64, nowMs: Int64) throws -> Bool {
        try sql.execute(
            "UPDATE api_keys SET revoked_at_ms = $2 WHERE id = $1 AND revoked_at_ms IS NULL", [id, nowMs])
            == 1
    }

    /// Notes a use, unless a later one is known.
    public func used(_ id: Int64, atMs: Int64) throws {
        try sql.execute(
            "UPDATE api_keys SET last_used_at_ms = $2 WHERE id = $1 AND COALESCE(last_used_at_ms, 0) < $2",
            [id, atMs])
    }

    private static func key(_ row: SQLRow) throws -> TeamKey {
        TeamKey(
            id: try row.int("id"), teamId: try row.int("team_id"), name: try row.text("name"),
            role: try row.value("role"), createdAtMs: try row.int("created_at_ms"),
            lastUsedAtMs: try row.intOrNil("last_used_at_ms"),
            revokedAtMs: try row.intOrNil("revoked_at_ms"))
    }
}

import CloudCore

extension SQLConnection {
    public var guestTokens: GuestTokenQueries { GuestTokenQueries(sql: self) }
}

/// Tokens by which guests call the API.
public struct GuestTokenQueries {
    let sql: any SQLConnection

    /// - Parameter hash: SHA-256 of the token, 64 hexadecimal digits. The token itself is never stored.
    public func insert(computeId: Int64, hash: String, expiresAtMs: Int64) throws {
        try sql.execute(
            "INSERT INTO guest_tokens (resource_id, token_hash, expires_at_ms) VALUES ($1, $2, $3)",
            [computeId, hash, expiresAtMs])
    }

    /// The compute that the token with this hash speaks for, and its team: as long as the token is not expired and
    /// the compute neither DESTROYED nor FAILED. So a token ends with its compute, whoever ended that.
    public func owner(hash: String, nowMs: Int64) throws -> (computeId: Int64, teamId: Int64)? {
        try sql.query(
            """
            SELECT c.id, c.team_id FROM guest_tokens g JOIN computes c ON c.id = g.resource_id
            WHERE g.token_hash = $1 AND g.expires_at_ms > $2 AND c.state NOT IN ('DESTROYED', 'FAILED')
            """,
            [hash, nowMs]
        ).first.map { (try $0.int("id"), try $0.int("team_id")) }
    }

    /// Removes all of the compute's tokens but the newest `count`.
    public func keepNewest(_ count: Int, computeId: Int64) throws {
        try sql.execute(
            """
            DELETE FROM guest_tokens WHERE resource_id = $1 AND id NOT IN (
                SELECT id FROM guest_tokens WHERE resource_id = $1 ORDER BY id DESC LIMIT $2
            )
            """,
            [computeId, count])
    }

    /// Forgets at most `limit` of the tokens whose time is over, whosever they were.
    public func removeExpired(nowMs: Int64, limit: Int) throws {
        try sql.execute(
            """
            DELETE FROM guest_tokens WHERE id IN (
                SELECT id FROM guest_tokens WHERE expires_at_ms <= $1 ORDER BY expires_at_ms LIMIT $2
            )
            """,
            [nowMs, limit])
    }
}

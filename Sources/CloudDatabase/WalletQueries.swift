import CloudCore

extension SQLConnection {
    public var wallets: WalletQueries { WalletQueries(sql: self) }
}

/// Wallets of teams: balance and standing.
public struct WalletQueries {
    let sql: any SQLConnection

    /// Inserts the empty wallet of a new team.
    func insert(teamId: Int64, nowMs: Int64) throws {
        try sql.execute(
            """
            INSERT INTO wallets (team_id, balance_milli_rwf, standing, standing_since_ms)
            VALUES ($1, 0, 'ACTIVE', $2)
            """,
            [teamId, nowMs])
    }

    /// Throws `RESOURCE_NOT_FOUND` when there is no such team.
    public func get(_ teamId: Int64) throws -> Wallet {
        if let row = try sql.query("SELECT * FROM wallets WHERE team_id = $1", [teamId]).first {
            return try Self.wallet(row)
        }
        throw CloudError(.resourceNotFound, "There is no team \(teamId). Give the id of one.")
    }

    /// The same, and whoever else asks for it by `lock` waits until this transaction is over. Before what may be done
    /// to a wallet is decided by what it holds.
    public func lock(_ teamId: Int64) throws -> Wallet {
        try sql.execute("UPDATE wallets SET team_id = team_id WHERE team_id = $1", [teamId])
        return try get(teamId)
    }

    /// Wallets of teams above `afterId` whose standing may have to change or be enforced, and whether the team has a
    /// compute that costs.
    /// - Parameter billing: whether anything is billed. If not, an empty wallet is no trouble, and all are empty.
    public func troubled(
        afterId: Int64, limit: Int, billing: Bool
    ) throws -> [(wallet: Wallet, isBilled: Bool)] {
        try sql.query(
            """
            SELECT w.*, CASE WHEN $3 = 1 AND EXISTS (
                SELECT 1 FROM meters m JOIN meter_prices p ON p.resource_id = m.resource_id
                WHERE m.team_id = w.team_id AND m.is_settled = 0 AND m.began_at_ms IS NOT NULL
                AND p.hour_milli_rwf > 0
            ) THEN 1 ELSE 0 END AS is_billed
            FROM wallets w
            WHERE w.team_id > $1
                AND (
                    ($3 = 1 AND w.balance_milli_rwf <= 0) OR w.standing <> 'ACTIVE'
                    OR w.is_suspended_by_operator = 1
                )
            ORDER BY w.team_id LIMIT $2
            """,
            [afterId, limit, billing]
        ).map { (try Self.wallet($0), try $0.int("is_billed") == 1) }
    }

    /// Sets what follows from the balance.
    public func setStanding(teamId: Int64, _ standing: TeamStanding, nowMs: Int64) throws {
        try sql.execute(
            "UPDATE wallets SET standing = $2, standing_since_ms = $3 WHERE team_id = $1",
            [teamId, standing.rawValue, nowMs])
    }

    public func setSuspendedByOperator(teamId: Int64, _ isSuspended: Bool) throws {
        try sql.execute(
            "UPDATE wallets SET is_suspended_by_operator = $2 WHERE team_id = $1", [teamId, isSuspended])
    }

    private static func wallet(_ row: SQLRow) throws -> Wallet {
        Wallet(
            teamId: try row.int("team_id"), balanceMilliRwf: try row.int("balance_milli_rwf"),
            standingByBalance: try row.value("standing"), standingSinceMs: try row.int("standing_since_ms"),
            isSuspendedByOperator: try row.int("is_suspended_by_operator") == 1)
    }
}

import CloudCore

extension SQLConnection {
    public var ledger: LedgerQueries { LedgerQueries(sql: self) }
}

/// The ledger: every change of every balance. There is no query here that changes or removes an entry, and the
/// constraints would refuse one.
public struct LedgerQueries {
    let sql: any SQLConnection

    /// Debits a charge of a compute, unless the ledger has it already. Whether it did.
    public func debit(_ charge: Charge, resourceId: Int64, teamId: Int64, nowMs: Int64) throws -> Bool {
        let known = try sql.query(
            "SELECT 1 AS found FROM ledger WHERE resource_id = $1 AND kind = $2 AND reference = $3",
            [resourceId, charge.kind.rawValue, charge.reference])
        guard known.isEmpty else { return false }
        try append(
            teamId: teamId, kind: charge.kind, resourceId: resourceId, reference: charge.reference,
            amountMilliRwf: -charge.amountMilliRwf, nowMs: nowMs)
        return true
    }

    /// The entry of a credit or correction with this reference.
    public func get(teamId: Int64, kind: LedgerKind, reference: String) throws -> LedgerEntry? {
        try sql.query(
            """
            SELECT * FROM ledger
            WHERE team_id = $1 AND kind = $2 AND reference = $3 AND resource_id IS NULL
            """,
            [teamId, kind.rawValue, reference]
        ).first.map(Self.entry)
    }

    /// Appends an entry and moves the wallet's balance. The wallet must be locked by the same transaction.
    public func append(
        teamId: Int64, kind: LedgerKind, resourceId: Int64?, reference: String, amountMilliRwf: Int64,
        nowMs: Int64
    ) throws {
        let wallet = try sql.query(
            "SELECT last_number, balance_milli_rwf FROM wallets WHERE team_id = $1", [teamId])[0]
        let previous = try wallet.intOrNil("last_number")
        let before = try wallet.int("balance_milli_rwf")
        let (after, overflows) = before.addingReportingOverflow(amountMilliRwf)
        guard !overflows else { throw CloudError.bug("the balance of team \(teamId) overflows") }
        let number = (previous ?? 0) + 1
        try sql.execute(
            """
            INSERT INTO ledger (
                team_id, number, at_ms, kind, resource_id, reference, previous_number,
                previous_balance_milli_rwf, amount_milli_rwf, balance_milli_rwf
            ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            """,
            [
                teamId, number, nowMs, kind.rawValue, resourceId, reference, previous,
                previous.map { _ in before }, amountMilliRwf, after,
            ])
        try sql.execute(
            "UPDATE wallets SET last_number = $2, balance_milli_rwf = $3 WHERE team_id = $1",
            [teamId, number, after])
    }

    /// The team's entries, newest first.
    public func list(teamId: Int64, limit: Int, offset: Int) throws -> [LedgerEntry] {
        try sql.query(
            "SELECT * FROM ledger WHERE team_id = $1 ORDER BY number DESC LIMIT $2 OFFSET $3",
            [teamId, limit, offset]
        ).map(Self.entry)
    }

    public func count(teamId: Int64) throws -> Int {
        Int(
            try sql.query("SELECT COALESCE(last_number, 0) AS n FROM wallets WHERE team_id = $1", [teamId])[0]
                .int("n"))
    }

    private static func entry(_ row: SQLRow) throws -> LedgerEntry {
        LedgerEntry(
            number: try row.int("number"), atMs: try row.int("at_ms"), kind: try row.value("kind"),
            resourceId: try row.intOrNil("resource_id"), reference: try row.text("reference"),
            amountMilliRwf: try row.int("amount_milli_rwf"),
            balanceMilliRwf: try row.int("balance_milli_rwf"))
    }
}

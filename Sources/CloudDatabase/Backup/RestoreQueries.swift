import CloudCore

extension SQLConnection {
    var restore: RestoreQueries { RestoreQueries(sql: self) }
}

/// Compares a backup, brought up to date, with the database that it replaces, attached as `present`, of which any schema
/// version will do: only what all of them have is asked for.
struct RestoreQueries {
    let sql: any SQLConnection

    /// What `present` has and the backup has not.
    func since() throws -> SinceBackup {
        let lastEvent = try sql.count("SELECT COALESCE(MAX(id), 0) AS n FROM main.events")
        let lastLostEvent = try sql.count("SELECT COALESCE(MAX(id), 0) AS n FROM present.events")
        let ledger = try lostLedger()
        return SinceBackup(
            createdComputes: try ids(
                """
                SELECT id FROM present.computes p WHERE state <> 'DESTROYED'
                    AND NOT EXISTS (SELECT 1 FROM main.computes m WHERE m.id = p.id) ORDER BY id
                """),
            deletedComputes: try ids(
                """
                SELECT id FROM main.computes m WHERE state <> 'DESTROYED' AND EXISTS (
                    SELECT 1 FROM present.computes p WHERE p.id = m.id AND p.state = 'DESTROYED'
                ) ORDER BY id
                """),
            events: lastEvent < lastLostEvent ? lastEvent + 1...lastLostEvent : nil,
            idempotencyKeys: try sql.count(
                """
                SELECT COUNT(*) AS n FROM (
                    SELECT team_id, endpoint, idempotency_key FROM present.idempotency_keys
                    EXCEPT SELECT team_id, endpoint, idempotency_key FROM main.idempotency_keys
                )
                """),
            apiKeys: try sql.count(
                """
                SELECT COUNT(*) AS n FROM present.api_keys p WHERE revoked_at_ms IS NULL
                    AND NOT EXISTS (SELECT 1 FROM main.api_keys m WHERE m.key_hash = p.key_hash)
                """),
            revokedKeys: 0, ledgerEntries: ledger.entries, paidMilliRwf: ledger.paidMilliRwf)
    }

    private func lostLedger() throws -> (entries: Int64, paidMilliRwf: Int64) {
        let hasLedger = try sql.count(
            "SELECT COUNT(*) AS n FROM present.sqlite_master WHERE type = 'table' AND name = 'ledger'")
        guard hasLedger > 0 else { return (0, 0) }
        let row = try sql.query(
            """
            SELECT COUNT(*) AS n,
                CAST(COALESCE(SUM(CASE WHEN kind IN ('CREDIT', 'CORRECTION') THEN amount_milli_rwf ELSE 0 END), 0) AS BIGINT) AS paid
            FROM present.ledger p WHERE NOT EXISTS (
                SELECT 1 FROM main.ledger m
                WHERE m.team_id = p.team_id AND m.number = p.number AND m.reference = p.reference
            )
            """)[0]
        return (try row.int("n"), try row.int("paid"))
    }

    /// Revokes the keys that were revoked since: a key that got into wrong hands must not work again. Returns how many.
    func revokeAgain() throws -> Int64 {
        Int64(
            try sql.execute(
                """
                UPDATE main.api_keys SET revoked_at_ms = (
                    SELECT p.revoked_at_ms FROM present.api_keys p WHERE p.key_hash = main.api_keys.key_hash
                ) WHERE revoked_at_ms IS NULL AND key_hash IN (
                    SELECT key_hash FROM present.api_keys WHERE revoked_at_ms IS NOT NULL
                )
                """))
    }

    /// The last number that each table of `present` gave out.
    func lastOfPresent() throws -> [String: Int64] {
        try IdentityQueries.numbers(try sql.query("SELECT name, seq FROM present.sqlite_sequence"))
    }

    /// Computes for which anything may be on a host.
    func alive() throws -> [Int64] {
        try ids(
            "SELECT resource_id AS id FROM main.jobs WHERE kind = 'compute' AND step <> 'done' ORDER BY resource_id"
        )
    }

    /// Computes that have a disk, unless it was lost.
    func withDisk() throws -> [Int64] {
        try ids(
            """
            SELECT resource_id AS id FROM main.jobs
            WHERE kind = 'compute' AND step NOT IN ('image', 'disk', 'halt', 'detach', 'erase', 'release', 'done') ORDER BY resource_id
            """)
    }

    /// Computes that don't run, and of which nobody wants that they do.
    func atRest() throws -> [Int64] {
        try ids(
            """
            SELECT c.id FROM main.computes c JOIN main.jobs j ON j.resource_id = c.id
            WHERE c.state = 'STOPPED' AND c.intent = 'STOPPED' AND j.action = 'keep'
            ORDER BY c.id
            """)
    }

    /// Computes that are being restored from a snapshot.
    func beingRestored() throws -> [Int64] {
        try ids("SELECT resource_id AS id FROM main.jobs WHERE action = 'restore' ORDER BY resource_id")
    }

    private func ids(_ query: String) throws -> [Int64] {
        try sql.query(query).map { try $0.int("id") }
    }
}

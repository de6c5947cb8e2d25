import CloudCore

extension SQLConnection {
    public var addresses: AddressQueries { AddressQueries(sql: self) }
}

/// What is held by number.
public enum AddressKind: String, Sendable, CaseIterable {
    /// IPv4 in a team's own network.
    case private4
    /// IPv4 of the cell's pool.
    case public4
    /// A port of the host that leads to a guest's SSH, where guests have no network of their own.
    case sshPort
}

/// Where an address is taken from.
public struct AddressRange: Sendable, Equatable {
    public var kind: AddressKind
    /// Whose it is; 0: the cell's.
    public var teamId: Int64
    public var numbers: ClosedRange<Int64>

    public init(_ kind: AddressKind, teamId: Int64 = 0, _ numbers: ClosedRange<Int64>) {
        self.kind = kind
        self.teamId = teamId
        self.numbers = numbers
    }
}

/// Addresses and ports: who holds which, and which is free since when. Whoever takes one does so in the transaction that
/// inserts what holds it. Transactions that go on at once get different ones.
public struct AddressQueries {
    let sql: any SQLConnection

    /// Rows that are made ahead at once.
    static let rowsAhead: Int64 = 256

    /// Takes the number of the range that is free longest, those first that nobody has had; `nil`: none is free. One look
    /// along an index, whatever is taken already.
    /// - Parameters:
    ///   - restMs: how long one that was given back is left alone.
    public func take(
        from range: AddressRange, for holderId: Int64, restMs: Int64 = 0, nowMs: Int64
    ) throws -> Int64? {
        let freeMs = max(0, nowMs - restMs)
        // As often as there are rows to be made that others take at once.
        repeat {
            if let number = try takeFree(range, holderId, until: freeMs) { return number }
        } while try makeRows(range)
        // Another transaction may have made the last rows while this one waited for it.
        return try takeFree(range, holderId, until: freeMs)
    }

    /// The same of those that still rest.
    public func takeResting(from range: AddressRange, for holderId: Int64) throws -> Int64? {
        try takeFree(range, holderId, until: .max)
    }

    /// Gives back all that the resource holds.
    public func giveBack(of holderId: Int64, nowMs: Int64) throws {
        try sql.later(
            "UPDATE addresses SET holder_id = NULL, free_since_ms = $2 WHERE holder_id = $1",
            [holderId, nowMs])
    }

    /// Gives one back.
    public func giveBack(_ kind: AddressKind, _ number: Int64, nowMs: Int64) throws {
        try sql.later(
            "UPDATE addresses SET holder_id = NULL, free_since_ms = $3 WHERE kind = $1 AND number = $2",
            [kind.rawValue, number, nowMs])
    }

    /// Removes the rows of a deleted team's network, which another team may get. Nothing in it may be held.
    public func forget(teamId: Int64) throws {
        try sql.execute("DELETE FROM addresses WHERE kind = 'private4' AND team_id = $1", [teamId])
        try sql.execute("DELETE FROM address_ranges WHERE team_id = $1", [teamId])
    }

    private func takeFree(_ range: AddressRange, _ holderId: Int64, until freeMs: Int64) throws -> Int64? {
        try sql.query(
            """
            UPDATE addresses SET holder_id = $1 WHERE kind = $2 AND number = (
                SELECT number FROM addresses
                WHERE kind = $2 AND team_id = $3 AND holder_id IS NULL AND free_since_ms <= $4
                    AND number BETWEEN $5 AND $6
                ORDER BY free_since_ms, number LIMIT 1\(sql.dialect.skippingLocked)
            ) RETURNING number
            """,
            [
                holderId, range.kind.rawValue, range.teamId, freeMs, range.numbers.lowerBound,
                range.numbers.upperBound,
            ]
        ).first?.int("number")
    }

    /// Makes the next rows of the range. False when all are there.
    private func makeRows(_ range: AddressRange) throws -> Bool {
        let key: [any SQLArgument] = [
            range.kind.rawValue, range.teamId, range.numbers.lowerBound, range.numbers.upperBound,
        ]
        try sql.execute(
            """
            INSERT INTO address_ranges (kind, team_id, first, last, next) VALUES ($1, $2, $3, $4, $3)
            ON CONFLICT (kind, team_id, first, last) DO NOTHING
            """, key)
        let next = try sql.query(
            """
            UPDATE address_ranges SET next = next + \(Self.rowsAhead)
            WHERE kind = $1 AND team_id = $2 AND first = $3 AND last = $4 AND next <= last RETURNING next
            """, key
        ).first?.int("next")
        guard let next else { return false }
        let last = min(next - 1, range.numbers.upperBound)
        try sql.execute(
            """
            WITH RECURSIVE numbers (n) AS (
                SELECT CAST($3 AS BIGINT) UNION ALL SELECT n + 1 FROM numbers WHERE n < $4
            )
            INSERT INTO addresses (kind, number, team_id) SELECT $1, n, $2 FROM numbers WHERE n <= $4
            ON CONFLICT (kind, number) DO NOTHING
            """,
            [range.kind.rawValue, range.teamId, next - Self.rowsAhead, last])
        return true
    }
}

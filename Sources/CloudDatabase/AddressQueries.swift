import CloudCore

extension SQLConnection {
    public var addresses: AddressQueries { AddressQueries(sql: self) }
}

/// Which numbers of a range are free. Whoever takes one does so in the same transaction, and the UNIQUE constraint on
/// the column has the last word. Transactions that go on at once get different ones.
public struct AddressQueries {
    let sql: any SQLConnection

    /// The one after the highest that is taken; only once the range's end is reached, the lowest of all that are free. So no
    /// create looks through its team's addresses, and one that was given back is not at once another's.
    public func freePrivateIpv4(in range: ClosedRange<IPv4Address>) throws -> IPv4Address? {
        let (first, last) = (range.lowerBound.value, range.upperBound.value)
        let highest = try sql.query(
            "SELECT MAX(private_ipv4) AS n FROM computes WHERE private_ipv4 BETWEEN $1 AND $2",
            [Int64(first), Int64(last)])[0].intOrNil("n")
        if let next = highest.map({ $0 + 1 }), next <= Int64(last) {
            if try take(.privateIpv4, next) { return IPv4Address(UInt32(next)) }
            if let free = try lowestFree(.privateIpv4, next + 1, last) { return IPv4Address(UInt32(free)) }
        }
        return try lowestFree(.privateIpv4, first, last).map { IPv4Address(UInt32($0)) }
    }

    /// The lowest free address of the pool's blocks, in their order.
    public func freePublicIpv4(in pool: [IPv4Network]) throws -> IPv4Address? {
        for block in pool {
            let free = try lowestFree(.publicIpv4, block.base.value, block.last.value)
            if let free { return IPv4Address(UInt32(free)) }
        }
        return nil
    }

    public func freeSSHPort(in range: ClosedRange<Int>) throws -> Int? {
        try lowestFree(.sshPort, range.lowerBound, range.upperBound).map { Int($0) }
    }

    /// Whether the number, which is free, is this transaction's.
    private func take(_ kind: NumberKind, _ number: Int64) throws -> Bool {
        guard sql.dialect != .sqlite else { return true }
        let taking = sql.dialect.taking("CAST($1 AS BIGINT)", of: kind)
        return try sql.query("SELECT CASE WHEN \(taking) THEN 1 ELSE 0 END AS is_ours", [number])[0]
            .int("is_ours") == 1
    }

    /// The lowest free number; one that another transaction is about to take is passed over, and the next is tried.
    private func lowestFree(
        _ kind: NumberKind, _ first: some FixedWidthInteger, _ last: some FixedWidthInteger
    ) throws -> Int64? {
        var first = Int64(first)
        while let row = try sql.query(Self.search(kind, sql.dialect), [first, Int64(last)]).first {
            let candidate = try row.int("candidate")
            if try row.int("is_ours") == 1 { return candidate }
            first = candidate + 1
        }
        return nil
    }

    /// The lowest free number of `$1` to `$2`. Numbers are given out from below, so most that are taken lie close together:
    /// counting them by the index is quicker, by far, than asking after each. From `$1` on, stretches that are all taken
    /// are passed over, each twice as long as the one before; in the first that is not, the halves are looked at.
    private static func search(_ kind: NumberKind, _ dialect: Dialect) -> String {
        let low = "CASE WHEN is_full = 1 THEN low + length ELSE low END"
        let length = "CASE WHEN is_full = 1 AND grows = 1 THEN length * 2 ELSE length / 2 END"
        return """
            WITH RECURSIVE probe (low, length, grows, is_full) AS (
                SELECT CAST($1 AS BIGINT), CAST(64 AS BIGINT), 1, \(isFull(kind, "CAST($1 AS BIGINT)", "64"))
                UNION ALL
                SELECT \(low), \(length), CASE WHEN is_full = 1 THEN grows ELSE 0 END, \(isFull(kind, low, length))
                FROM probe WHERE length > 0 AND low <= $2
            )
            SELECT low AS candidate, CASE WHEN \(dialect.taking("low", of: kind)) THEN 1 ELSE 0 END AS is_ours
            FROM probe WHERE length = 0 AND low <= $2
            """
    }

    /// 1 when all of the `length` numbers from `low` on are taken, else 0.
    private static func isFull(_ kind: NumberKind, _ low: String, _ length: String) -> String {
        """
        CASE WHEN (
            SELECT COUNT(*) FROM computes WHERE \(kind.column) >= \(low) AND \(kind.column) < \(low) + \(length)
        ) = \(length) THEN 1 ELSE 0 END
        """
    }
}

import CloudCore

extension SQLConnection {
    public var addresses: AddressQueries { AddressQueries(sql: self) }
}

/// Which numbers of a range are free. Whoever takes one does so in the same transaction, and the UNIQUE constraint on
/// the column has the last word. Transactions that go on at once get different ones.
public struct AddressQueries {
    let sql: any SQLConnection

    public func freePrivateIpv4(in range: ClosedRange<IPv4Address>) throws -> IPv4Address? {
        try lowestFree(.privateIpv4, range.lowerBound.value, range.upperBound.value)
            .map { IPv4Address(UInt32($0)) }
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

    /// The range's first number if it is free, else the lowest one that follows a taken one; one that another
    /// transaction is about to take is passed over, and the next is tried. The engine looks no further than it has to.
    private func lowestFree(
        _ kind: NumberKind, _ first: some FixedWidthInteger, _ last: some FixedWidthInteger
    ) throws -> Int64? {
        try sql.query(
            """
            WITH RECURSIVE free (candidate) AS (
                SELECT \(Self.next(kind, from: "CAST($1 AS BIGINT)"))
                UNION ALL
                SELECT \(Self.next(kind, from: "candidate + 1")) FROM free WHERE candidate IS NOT NULL
            )
            SELECT candidate FROM free
            WHERE candidate IS NOT NULL AND \(sql.dialect.taking("candidate", of: kind)) LIMIT 1
            """,
            [Int64(first), Int64(last)]
        ).first?.int("candidate")
    }

    /// The lowest free number from `first` on.
    private static func next(_ kind: NumberKind, from first: String) -> String {
        """
        (SELECT MIN(n) FROM (
            SELECT \(first) AS n
            UNION ALL
            SELECT \(kind.column) + 1 FROM computes WHERE \(kind.column) BETWEEN \(first) AND $2
        ) AS numbers WHERE n <= $2 AND NOT EXISTS (SELECT 1 FROM computes WHERE \(kind.column) = n))
        """
    }
}

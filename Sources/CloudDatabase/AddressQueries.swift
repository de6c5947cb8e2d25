import CloudCore

extension SQLConnection {
    public var addresses: AddressQueries { AddressQueries(sql: self) }
}

/// Which numbers of a range are free. Whoever takes one does so in the same transaction, and the UNIQUE constraint on
/// the column has the last word.
public struct AddressQueries {
    let sql: any SQLConnection

    public func freePrivateIpv4(in range: ClosedRange<IPv4Address>) throws -> IPv4Address? {
        try lowestFree(column: "private_ipv4", range.lowerBound.value, range.upperBound.value)
            .map { IPv4Address(UInt32($0)) }
    }

    /// The lowest free address of the pool's blocks, in their order.
    public func freePublicIpv4(in pool: [IPv4Network]) throws -> IPv4Address? {
        for block in pool {
            let free = try lowestFree(column: "public_ipv4", block.base.value, block.last.value)
            if let free { return IPv4Address(UInt32(free)) }
        }
        return nil
    }

    public func freeSSHPort(in range: ClosedRange<Int>) throws -> Int? {
        try lowestFree(column: "ssh_port", range.lowerBound, range.upperBound).map { Int($0) }
    }

    /// The range's first number if it is free, else the lowest one that follows a taken one.
    private func lowestFree(
        column: String, _ first: some FixedWidthInteger, _ last: some FixedWidthInteger
    ) throws -> Int64? {
        try sql.query(
            """
            SELECT MIN(candidate) AS free FROM (
                SELECT CAST($1 AS BIGINT) AS candidate
                UNION ALL
                SELECT \(column) + 1 FROM computes WHERE \(column) BETWEEN $1 AND $2
            ) AS candidates
            WHERE candidate <= $2 AND NOT EXISTS (SELECT 1 FROM computes WHERE \(column) = candidate)
            """,
            [Int64(first), Int64(last)]
        )[0].intOrNil("free")
    }
}

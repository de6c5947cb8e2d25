import CloudCore

extension AuditQueries {
    /// Computes whose addresses and the rows of those don't name each other, each once.
    public func addressesAmiss() throws -> [Int64] {
        let held = [("private4", "private_ipv4"), ("public4", "public_ipv4"), ("sshPort", "ssh_port")].map {
            kind, column in
            "SELECT '\(kind)' AS kind, \(column) AS number, id FROM computes WHERE \(column) IS NOT NULL"
        }.joined(separator: " UNION ALL ")
        return try sql.query(
            """
            SELECT DISTINCT id FROM (
                SELECT h.id FROM (\(held)) h LEFT JOIN addresses a ON a.kind = h.kind AND a.number = h.number
                WHERE a.holder_id IS NULL OR a.holder_id <> h.id
                UNION ALL
                SELECT a.holder_id AS id FROM addresses a LEFT JOIN (\(held)) h
                    ON h.kind = a.kind AND h.number = a.number AND h.id = a.holder_id
                WHERE a.holder_id IS NOT NULL AND h.id IS NULL
            ) amiss ORDER BY id
            """
        ).map { try $0.int("id") }
    }
}

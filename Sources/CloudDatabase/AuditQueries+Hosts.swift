import CloudCore

extension AuditQueries {
    /// Every host that is not REMOVED or has counted anything, with what its computes hold together,
    /// and those that are on their way from it or to it.
    public func hosts() throws -> [AuditedHost] {
        try sql.query(
            """
            SELECT h.*, CAST(COALESCE(s.vcpus, 0) AS BIGINT) AS held_vcpus,
                CAST(COALESCE(s.memory_mb, 0) AS BIGINT) AS held_memory_mb,
                CAST(COALESCE(s.storage_gb, 0) AS BIGINT) AS held_storage_gb
            FROM hosts h LEFT JOIN (
                SELECT host_id, SUM(vcpus) AS vcpus, SUM(memory_mb) AS memory_mb, SUM(storage_gb) AS storage_gb
                FROM (
                    SELECT host_id, vcpus, memory_mb, storage_gb FROM computes WHERE private_ipv4 IS NOT NULL
                    UNION ALL
                    SELECT \(MoveQueries.otherHost) AS host_id, m.vcpus, m.memory_mb, m.storage_gb
                    FROM \(MoveQueries.tables)
                ) held GROUP BY host_id
            ) s ON s.host_id = h.id
            WHERE h.state <> 'REMOVED' OR h.taken_vcpus > 0 OR s.vcpus IS NOT NULL ORDER BY h.id
            """
        ).map {
            AuditedHost(
                host: try HostQueries.host($0),
                held: Resources(
                    vcpus: Int(try $0.int("held_vcpus")), memoryMb: Int(try $0.int("held_memory_mb")),
                    storageGb: Int(try $0.int("held_storage_gb"))))
        }
    }

    /// Computes that hold something and are on no host, or whose job is another host's than they are, or that are not on
    /// the host that their move says.
    public func misplaced() throws -> [Int64] {
        try sql.query(
            """
            SELECT c.id FROM computes c JOIN jobs j ON j.resource_id = c.id
            WHERE (c.private_ipv4 IS NOT NULL AND c.host_id IS NULL)
                OR COALESCE(c.host_id, 0) <> COALESCE(j.host_id, 0)
                OR c.id IN (SELECT m.compute_id FROM \(MoveQueries.tables) WHERE c.host_id = \(MoveQueries.otherHost))
            ORDER BY c.id
            """
        ).map { try $0.int("id") }
    }
}

/// A host with what its computes hold by their own rows.
public struct AuditedHost: Sendable, Equatable {
    public var host: HostRecord
    public var held: Resources

    public init(host: HostRecord, held: Resources) {
        self.host = host
        self.held = held
    }
}

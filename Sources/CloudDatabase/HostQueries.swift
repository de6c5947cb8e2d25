import CloudCore

extension SQLConnection {
    public var hosts: HostQueries { HostQueries(sql: self) }
}

/// What the worker remembers of its host.
public struct HostQueries {
    let sql: any SQLConnection

    /// Which boot of the host it last worked on; `nil` before the first.
    public func bootId() throws -> String? {
        try sql.query("SELECT boot_id FROM host WHERE id = 1").first?.text("boot_id")
    }

    public func set(bootId: String, nowMs: Int64) throws {
        try sql.execute(
            """
            INSERT INTO host (id, boot_id, since_ms) VALUES (1, $1, $2)
            ON CONFLICT (id) DO UPDATE SET boot_id = excluded.boot_id, since_ms = excluded.since_ms
            """,
            [bootId, nowMs])
    }

    /// Machines that something may be left of on the host: those whose computes are not over.
    public func machines() throws -> Set<Int64> {
        Set(
            try sql.query("SELECT compute_id FROM jobs WHERE step <> 'done'").map { try $0.int("compute_id") }
        )
    }

    /// What was found on the host without a compute that it stands for, by machine: when it was first seen.
    public func orphans() throws -> [Int64: Int64] {
        Dictionary(
            try sql.query("SELECT machine_id, first_seen_ms FROM orphans").map {
                (try $0.int("machine_id"), try $0.int("first_seen_ms"))
            }
        ) { first, _ in first }
    }

    /// Notes an orphan that was not known before.
    public func insertOrphan(_ machineId: Int64, nowMs: Int64) throws {
        try sql.execute(
            "INSERT INTO orphans (machine_id, first_seen_ms) VALUES ($1, $2)", [machineId, nowMs])
    }

    public func removeOrphan(_ machineId: Int64) throws {
        try sql.execute("DELETE FROM orphans WHERE machine_id = $1", [machineId])
    }
}

import CloudCore

/// Where computes are.
extension HostQueries {
    /// Gives the compute and its job to another host. The rooms are the caller's affair.
    public func move(_ computeId: Int64, to hostId: Int64) throws {
        try sql.execute("UPDATE computes SET host_id = $2 WHERE id = $1", [computeId, hostId])
        try sql.execute(
            "UPDATE jobs SET host_id = $2, lease_owner = NULL, lease_until_ms = NULL WHERE compute_id = $1",
            [computeId, hostId])
    }
}

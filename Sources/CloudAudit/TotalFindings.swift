import CloudCore
import CloudDatabase

extension AuditSnapshot {
    /// Whether what lists say of their length is so.
    var totalFindings: [AuditFinding] {
        totalsAmiss.map { total in
            let list = total.tag.isEmpty ? "" : " with the tag \(total.tag)"
            return AuditFinding(
                .totalsAreCounts,
                "compute_totals says that team \(total.teamId) has \(total.counted) computes\(list) in \(total.region) that "
                    + "are \(total.state), in one of its shards, and there are \(total.present). Stop the server, and "
                    + "set the row to the latter.")
        }
    }
}

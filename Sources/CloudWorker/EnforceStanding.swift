import CloudCore
import CloudDatabase
import CloudVerbs

/// Stops the machines of a team that is SUSPENDED, and deletes those of one that is TERMINATED, its snapshots and images too, each image once
/// nothing lies over it. The worker does both as if the owner had asked for it.
struct EnforceStanding: Sendable {
    let teamId: Int64
    let nowMs: Int64

    /// At most `Accountant.maxTogether` computes, and as many snapshots and images, that the team's standing forbids.
    func affected(_ sql: any SQLConnection) throws -> [Int64] {
        let limit = Accountant.maxTogether
        return switch try sql.wallets.get(teamId).standing {
        case .active, .pastDue: []
        case .suspended: try sql.computes.toStop(teamId: teamId, limit: limit)
        case .terminated:
            try sql.computes.toDelete(teamId: teamId, limit: limit)
                + sql.snapshots.toDelete(teamId: teamId, limit: limit).map(\.id)
                + sql.images.toDelete(teamId: teamId, limit: limit).map(\.id)
        }
    }

    func run(_ sql: any SQLConnection) throws {
        switch try sql.wallets.lock(teamId).standing {
        case .active, .pastDue: break
        case .suspended: for id in try affected(sql) { try request(.stop, id, sql) }
        case .terminated:
            let limit = Accountant.maxTogether
            for id in try sql.computes.toDelete(teamId: teamId, limit: limit) {
                try request(.delete, id, sql)
            }
            for snapshot in try sql.snapshots.toDelete(teamId: teamId, limit: limit) {
                try sql.snapshotVerbs.delete(snapshot, detail: Self.reason, by: .system, nowMs: nowMs)
            }
            for image in try sql.images.toDelete(teamId: teamId, limit: limit) {
                try sql.imageVerbs.delete(image, detail: Self.reason, by: .system, nowMs: nowMs)
            }
        }
    }

    private static let reason = "by the team's standing"

    /// What the API does when the owner asks for the action, whatever protects the compute from its owner.
    private func request(_ action: ComputeAction, _ id: Int64, _ sql: any SQLConnection) throws {
        guard let compute = try sql.computes.get(id), case .accepted(let state) = action.verdict(on: compute)
        else { return }
        try sql.computeVerbs.begin(
            action, compute, showing: state, detail: Self.reason, by: .system, nowMs: nowMs)
    }
}

import CloudCore
import CloudDatabase
import CloudVerbs

/// Gives one compute of a lost host to another that has its disk, in the transaction of its caller, and lets the worker
/// there go on with it: addresses, names, keys and the meter stay as they are.
struct EvacuateCompute {
    var compute: Compute
    /// Where the lost host's computes have their disks; `nil`: on that host alone.
    var store: String?

    /// What became of it.
    enum Outcome {
        case moved(EvacuateHost.Moved)
        case left(EvacuateHost.Left)
    }

    private static let reason = "its host was evacuated"

    func run(_ sql: any SQLConnection, _ cloud: Cloud, nowMs: Int64) throws -> Outcome {
        guard store != nil || compute.needsNoDisk else {
            return left("its disk lies on the lost host alone, which has no setting 'disks'")
        }
        guard try sql.moves.get(computeId: compute.id) == nil else {
            return left("it is being moved, which ends once both hosts are back")
        }
        let demand = try demand(sql)
        guard let hostId = try PlaceCompute.takeRoom(demand, sql, cloud, nowMs: nowMs) else {
            let refusals = try sql.hosts.refusals(of: demand, nowMs: nowMs)
            return left("no host can take it: \(Placement.reasons(refusals).joined(separator: "; "))")
        }
        try sql.hosts.giveRoomBack(computeId: compute.id)
        try sql.hosts.move(compute.id, to: hostId)
        try sql.events.append(
            Event(
                resourceId: compute.id, teamId: compute.teamId, kind: "compute.evacuated",
                detail: Self.reason,
                actor: .operator), nowMs: nowMs)
        try goOn(sql, nowMs: nowMs)
        guard let host = try sql.hosts.get(hostId), let now = try sql.computes.get(compute.id) else {
            throw CloudError.bug("compute \(compute.id) or its host vanished")
        }
        return .moved(
            EvacuateHost.Moved(id: compute.id, name: compute.hostName, to: host.name, state: now.state))
    }

    /// What was given back, or never taken, needs no room.
    private func demand(_ sql: any SQLConnection) throws -> Placement.Demand {
        let holds = compute.privateIpv4 != nil
        let tags = holds ? Tag.apart(compute.tags) : []
        return Placement.Demand(
            resources: holds ? compute.resources : Resources(), region: compute.region,
            image: compute.imageKey,
            apartFrom: try sql.hosts.sharing(teamId: compute.teamId, tags: tags, except: compute.id),
            store: compute.job.step == .done ? nil : store)
    }

    /// Makes due what is to be done there: the seed at least.
    private func goOn(_ sql: any SQLConnection, nowMs: Int64) throws {
        let step = compute.stepElsewhere(hasImage: store != nil)
        guard step != .done else { return }
        try sql.jobs.move(compute.id, to: step, nowMs: nowMs)
        if compute.ranUndisturbed {
            try sql.computeVerbs.startAgain(compute, since: Self.reason, nowMs: nowMs)
        } else {
            try sql.jobs.schedule(compute.id, dueAtMs: nowMs)
        }
    }

    private func left(_ reason: String) -> Outcome {
        .left(
            EvacuateHost.Left(id: compute.id, name: compute.hostName, state: compute.state, reason: reason))
    }
}

import CloudCore
import CloudDatabase
import CloudVerbs

/// Begins the move of a compute that runs to another host, which the workers of both hosts then carry out. For the
/// operator, not for callers of the API.
public struct MoveCompute: Sendable {
    public var id: Int64
    /// The host's name; `nil`: the one that `Placement` chooses.
    public var hostName: String?

    public init(id: Int64, to hostName: String? = nil) {
        self.id = id
        self.hostName = hostName
    }

    /// The move as it then is; the one that is under way when it is to that host too. The compute's room is taken on its
    /// destination. Throws `RESOURCE_NOT_FOUND`, `CONFLICT` when the compute or its host can't be moved now, and
    /// `UNPROCESSABLE_ENTITY` when no host can take it, with the reasons.
    public func run(in cloud: Cloud) async throws -> Move {
        let now = cloud.clock.nowMs
        let move = try await cloud.database.write(.beginMove) { sql in
            try begin(sql, cloud, nowMs: now)
        }
        cloud.wake()
        return move
    }

    private func begin(_ sql: any SQLConnection, _ cloud: Cloud, nowMs: Int64) throws -> Move {
        guard let compute = try sql.computes.get(id), compute.state != .destroyed else {
            throw CloudError(.resourceNotFound, "There is no compute \(id).")
        }
        if let move = try sql.moves.get(computeId: id) { return try known(move, sql) }
        if let otherId = try sql.jobs.waitsFor(id) {
            let kind = try sql.resources.kind(otherId)?.rawValue ?? "resource"
            throw CloudError(
                .conflict,
                "The \(kind) \(otherId) of compute \(id) is being made or deleted. Move the compute once that is over."
            )
        }
        let source = try source(of: compute, sql, nowMs: nowMs)
        let demand = Placement.Demand(
            resources: compute.resources, region: compute.region, image: compute.imageKey,
            apartFrom: try sql.hosts.sharing(
                teamId: compute.teamId, tags: Tag.apart(compute.tags), except: id))
        let destinationId =
            try hostName.map { try self.destination($0, demand, source, sql, nowMs: nowMs) }
            ?? chosen(demand, source, sql, cloud, nowMs: nowMs)
        let move = try sql.moveVerbs.begin(compute, from: source.id, to: destinationId, nowMs: nowMs)
        try sql.events.append(
            Event(
                resourceId: id, teamId: compute.teamId, kind: "compute.move.begun",
                detail: try leftBehind(source, destinationId, sql), actor: .operator),
            nowMs: nowMs)
        return move
    }

    /// What the event says of snapshots that the compute can't be restored from once it has moved.
    private func leftBehind(
        _ source: HostRecord, _ destinationId: Int64, _ sql: any SQLConnection
    ) throws -> String? {
        let count = try sql.snapshots.count(computeId: id)
        let store = try sql.hosts.get(destinationId)?.store
        guard count > 0, store == nil || store != source.store else { return nil }
        return "\(count) \(count == 1 ? "snapshot stays" : "snapshots stay") on the host '\(source.name)'"
    }

    private func known(_ move: Move, _ sql: any SQLConnection) throws -> Move {
        let name = try sql.hosts.get(move.destinationId)?.name ?? "\(move.destinationId)"
        guard move.failure == nil, hostName == nil || hostName == name else {
            throw CloudError(
                .conflict,
                "Compute \(id) has a move to '\(name.shown)' that is \(move.failure == nil ? "under way" : "being undone")"
                    + " (\(move.step.rawValue)). Wait until it is over.")
        }
        return move
    }

    private func source(
        of compute: Compute, _ sql: any SQLConnection, nowMs: Int64
    ) throws -> HostRecord {
        guard compute.state == .running, compute.intent == .running, compute.isAtRest else {
            let work = compute.askedAction.map { " ('\($0.rawValue)' is under way)" } ?? ""
            throw CloudError(
                .conflict,
                "Compute \(id) is \(compute.state.rawValue)\(work), and only a guest that runs can be moved. Start it, or "
                    + "wait until nothing is under way.")
        }
        guard let host = try compute.hostId.flatMap({ try sql.hosts.get($0) }) else {
            throw CloudError.bug("compute \(id) has no host")
        }
        if let reason = host.moveObstacle(nowMs: nowMs) {
            throw CloudError(
                .conflict, "Compute \(id) can't leave its host '\(host.name.shown)': it \(reason).")
        }
        return host
    }

    /// The host of that name, once the room is taken there.
    private func destination(
        _ name: String, _ demand: Placement.Demand, _ source: HostRecord, _ sql: any SQLConnection,
        nowMs: Int64
    ) throws -> Int64 {
        guard let host = try sql.hosts.get(name: name) else { throw ChangeHost.notFound(name) }
        guard host.id != source.id else {
            throw CloudError(.conflict, "Compute \(id) is on the host '\(name.shown)' already.")
        }
        let obstacles = host.obstacles(to: demand, nowMs: nowMs).map(\.rawValue).joined(separator: ", ")
        let reasons = [obstacles, source.moveObstacle(to: host, nowMs: nowMs) ?? ""].filter { !$0.isEmpty }
        guard reasons.isEmpty else {
            throw CloudError(
                .unprocessableEntity,
                "The host '\(name.shown)' can't take compute \(id): \(reasons.joined(separator: "; ")). Choose another, or "
                    + "none to have one chosen.")
        }
        guard try sql.hosts.takeRoom(host.id, demand.resources) else {
            throw CloudError(.serviceUnavailable, "The host '\(name.shown)' has just changed. Try again.")
        }
        return host.id
    }

    private func chosen(
        _ demand: Placement.Demand, _ source: HostRecord, _ sql: any SQLConnection, _ cloud: Cloud,
        nowMs: Int64
    ) throws -> Int64 {
        let policy = cloud.settings.placement
        let candidates = try sql.hosts.candidates(
            for: demand, policy: policy, nowMs: nowMs,
            limit: Placement.maxCandidates + demand.apartFrom.count + 1)
        let fit = candidates.filter { candidate in
            candidate.host.id != source.id && source.moveObstacle(to: candidate.host, nowMs: nowMs) == nil
        }
        let order = Placement.order(fit, for: demand, policy: policy, nowMs: nowMs, random: UInt64(id))
        for id in order where try sql.hosts.takeRoom(id, demand.resources) { return id }
        var refusals = try sql.hosts.list().filter { $0.id != source.id }.map { host in
            let reasons = host.obstacles(to: demand, nowMs: nowMs).map(\.rawValue)
            return
                "\(host.name): \((reasons.isEmpty ? [source.moveObstacle(to: host, nowMs: nowMs) ?? "busy"] : reasons).joined(separator: ", "))"
        }
        if refusals.count > ChangeHost.maxNamed {
            refusals = refusals.prefix(ChangeHost.maxNamed) + ["…"]
        }
        throw CloudError(
            .unprocessableEntity,
            "No other host can take compute \(id) (\(refusals.isEmpty ? "there is none" : refusals.joined(separator: "; "))). "
                + "Make room on one, or let another join.")
    }
}

extension HostRecord {
    /// Why nothing moves to the host or from it; `nil`: it can.
    fileprivate func moveObstacle(nowMs: Int64) -> String? {
        if underlay == nil { return "has no address on the network between hosts (underlay)" }
        if moveCertificate == nil {
            return "has no certificate for moves: see its worker's log, and start it again"
        }
        if store != nil {
            return
                "has its disks on storage that it shares with others (disks), and a move copies a host's own alone"
        }
        return isDown(nowMs: nowMs) ? "is down" : nil
    }

    /// The same of a host that a guest goes to from this one.
    fileprivate func moveObstacle(to other: HostRecord, nowMs: Int64) -> String? {
        if let obstacle = other.moveObstacle(nowMs: nowMs) { return obstacle }
        guard accelerator == other.accelerator else {
            return
                "runs guests with \(other.accelerator ?? "nothing known"), not with \(accelerator ?? "nothing known")"
        }
        return nil
    }
}

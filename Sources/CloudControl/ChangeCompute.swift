import CloudCore
import CloudDatabase
import CloudVerbs

/// One change that a caller asks of one compute: power, size, name, tags, its end. Each is a transaction that records
/// what is wanted; the worker makes the machine follow.
public struct ChangeCompute: Sendable {
    /// What is asked for.
    public enum Change: Sendable, Equatable {
        case start, stop, reboot, delete
        /// Slug of a specification, or the UUID of the older dialect.
        case upsize(to: String)
        /// The id of the snapshot whose content the disk is to have again.
        case restore(snapshot: Int64)
        case update(ComputeUpdate)

        public var action: ComputeAction {
            switch self {
            case .start: .start
            case .stop: .stop
            case .reboot: .reboot
            case .delete: .delete
            case .upsize: .upsize
            case .restore: .restore
            case .update: .update
            }
        }
    }

    public var id: Int64
    public var change: Change
    public var request: ChangeRequest
    public var answer: Answer<Compute>

    public init(id: Int64, change: Change, request: ChangeRequest, answer: @escaping Answer<Compute>) {
        self.id = id
        self.change = change
        self.request = request
        self.answer = answer
    }

    /// Returns after the commit. Throws `FORBIDDEN`, `RESOURCE_NOT_FOUND`, `CONFLICT` and `COMPUTE_RUNNING` by the
    /// table of `ComputeAction`, the team's standing, and for an upsize or update what is wrong with its values.
    public func run(in cloud: Cloud) async throws -> ChangeRequest.Outcome {
        try await request.carryOut(.changeCompute, .changeComputes, in: cloud, answer: answer) {
            try transact($0, cloud, nowMs: $1)
        }
    }

    private func transact(_ sql: any SQLConnection, _ cloud: Cloud, nowMs: Int64) throws -> Compute {
        let compute = try GetCompute.find(id, request.caller, sql)
        guard let state = try change.action.accept(compute) else { return compute }
        try TeamWallet(sql: sql, teamId: compute.teamId, cloud: cloud).check(
            actionOfStanding, tags: newTags)
        let detail = try apply(to: compute, sql, cloud, nowMs: nowMs)
        try sql.computeVerbs.begin(
            change.action, compute, showing: state, detail: detail, by: .key(request.caller.keyId),
            requestId: request.requestId, nowMs: nowMs)
        return try GetCompute.find(id, request.caller, sql)
    }

    /// The action by which the team's standing decides. Lifting the protection alone counts as the deletion that it is for,
    /// which is never refused: it ends a cost.
    private var actionOfStanding: ComputeAction {
        change == .update(ComputeUpdate(deletionProtection: false)) ? .delete : change.action
    }

    private var newTags: [String] {
        if case .update(let update) = change { update.tags ?? [] } else { [] }
    }

    /// Checks and records what is this change's own. Returns what the event tells of it.
    private func apply(
        to compute: Compute, _ sql: any SQLConnection, _ cloud: Cloud, nowMs: Int64
    ) throws -> String? {
        switch change {
        case .start, .stop, .reboot: try sql.computes.set(id, failure: nil)
        case .delete: try Self.requireUnprotected(compute)
        case .upsize(let slug): return try upsize(compute, to: slug, sql, cloud, nowMs: nowMs)
        case .restore(let snapshot): return try restore(compute, from: snapshot, sql)
        case .update(let update): return try self.update(compute, update, sql, nowMs: nowMs)
        }
        return nil
    }

    private static func requireUnprotected(_ compute: Compute) throws(CloudError) {
        guard compute.deletionProtection else { return }
        throw CloudError(
            .conflict,
            "Compute \(compute.id) is protected from deletion. PATCH /computes/\(compute.id) with "
                + "{\"deletionProtection\": false} first.",
            problems: [Problem("deletionProtection", "is true.")])
    }

    /// A snapshot of another compute is for a new one to be made of.
    private func restore(_ compute: Compute, from snapshotId: Int64, _ sql: any SQLConnection) throws
        -> String
    {
        let snapshot = try GetSnapshot.find(
            snapshotId, teamId: compute.teamId, field: "snapshot", sql)
        guard snapshot.computeId == compute.id else {
            let what =
                "snapshot \(snapshotId) is of compute \(snapshot.computeId). Send one of compute \(compute.id), or create "
                + "a compute from it: POST /computes with {\"snapshot\": \"\(snapshotId)\"}."
            throw CloudError(.unprocessableEntity, "snapshot: \(what)", problems: [Problem("snapshot", what)])
        }
        try snapshot.requireReady()
        try requireReachable(snapshot, from: compute, sql)
        try sql.computes.set(compute.id, snapshotId: snapshotId)
        try sql.computes.set(compute.id, failure: nil)
        return "from snapshot \(snapshotId) '\(snapshot.name)'"
    }

    /// A compute that has moved has left its snapshots behind, unless both hosts share their disks.
    private func requireReachable(
        _ snapshot: Snapshot, from compute: Compute, _ sql: any SQLConnection
    ) throws {
        guard let hostId = compute.hostId, hostId != snapshot.hostId else { return }
        let stores = try [hostId, snapshot.hostId].map { try sql.hosts.get($0)?.store }
        guard stores[0] == nil || stores[0] != stores[1] else { return }
        let what =
            "snapshot \(snapshot.id) lies on the host that the compute was on before it moved. Create a compute from it: "
            + "POST /computes with {\"snapshot\": \"\(snapshot.id)\"}; or ask the operator to move the compute back."
        throw CloudError(.conflict, "snapshot: \(what)", problems: [Problem("snapshot", what)])
    }

    private func upsize(
        _ compute: Compute, to slug: String, _ sql: any SQLConnection, _ cloud: Cloud, nowMs: Int64
    ) throws -> String {
        guard let specification = cloud.catalogue.specification(slug) else {
            let known = cloud.catalogue.specifications.map(\.specification).joined(separator: ", ")
            let what = "there is no specification '\(slug.shown)'. Send one of \(known)."
            throw CloudError(
                .resourceNotFound, "newSpecification: \(what)", problems: [Problem("newSpecification", what)])
        }
        if let problem = specification.upsizeProblem(from: compute) {
            throw CloudError(
                .unprocessableEntity, "newSpecification: \(problem)",
                problems: [Problem("newSpecification", problem)])
        }
        try grow(compute, to: specification, sql)
        try sql.computes.set(id, specification: specification, nowMs: nowMs)
        let wallet = TeamWallet(sql: sql, teamId: compute.teamId, cloud: cloud)
        try wallet.reprice(compute, specification)
        try wallet.requireCovered()
        try sql.computes.set(id, failure: nil)
        return "\(compute.specification) to \(specification.specification)"
    }

    /// Takes on the compute's own host what it needs more.
    private func grow(
        _ compute: Compute, to specification: Specification, _ sql: any SQLConnection
    ) throws {
        guard let hostId = compute.hostId, let host = try sql.hosts.get(hostId) else {
            throw CloudError.bug("compute \(compute.id) has no host")
        }
        guard try !sql.hosts.growRoom(hostId, by: specification.resources - compute.resources) else { return }
        try host.capacity.check(
            specification, field: "newSpecification", taken: host.taken - compute.resources)
        throw CloudError(.serviceUnavailable, "The compute's host has just changed. Try again.")
    }

    /// Throws `UNPROCESSABLE_ENTITY` when the compute's host has another of the team's with one of the tags that keep
    /// computes apart: a tag moves nothing.
    private static func requireApart(
        _ compute: Compute, _ tags: [String], _ sql: any SQLConnection
    ) throws {
        let sharing = try sql.hosts.sharing(
            teamId: compute.teamId, tags: Tag.apart(tags), except: compute.id)
        guard let hostId = compute.hostId, sharing.contains(hostId) else { return }
        let what =
            "compute \(compute.id) is on one host with another that has the same \(Tag.apartPrefix)… tag, which keeps "
            + "computes apart. Give another tag, or create the compute anew with it."
        throw CloudError(.unprocessableEntity, "tags: \(what)", problems: [Problem("tags", what)])
    }

    private func update(
        _ compute: Compute, _ update: ComputeUpdate, _ sql: any SQLConnection, nowMs: Int64
    ) throws -> String {
        if let tags = update.tags { try Self.requireApart(compute, tags, sql) }
        try sql.computes.set(
            id, hostName: update.hostName ?? compute.hostName, tags: update.tags ?? compute.tags,
            deletionProtection: update.deletionProtection ?? compute.deletionProtection, nowMs: nowMs)
        let members = [
            update.hostName.map { "hostName \($0)" }, update.tags.map { "tags \($0.joined(separator: ","))" },
            update.deletionProtection.map { "deletionProtection \($0)" },
        ]
        return members.compactMap(\.self).joined(separator: "; ")
    }
}

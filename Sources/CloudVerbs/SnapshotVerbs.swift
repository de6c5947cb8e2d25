import CloudCore
import CloudDatabase

extension SQLConnection {
    public var snapshotVerbs: SnapshotVerbs { SnapshotVerbs(sql: self) }
}

/// Changes of a snapshot that take several rows, each a part of its caller's transaction.
public struct SnapshotVerbs {
    let sql: any SQLConnection

    /// Begins a snapshot of the compute's disk, on the compute's host. The compute's job waits for it, so that nothing ends
    /// the guest amid the copy.
    public func begin(
        _ compute: Compute, name: String, deletionProtection: Bool, by actor: Event.Actor, requestId: String?,
        nowMs: Int64
    ) throws -> Int64 {
        guard let hostId = compute.hostId else { throw CloudError.bug("compute \(compute.id) has no host") }
        let id = try sql.resources.insert(.snapshot, teamId: compute.teamId, nowMs: nowMs)
        let snapshot = Snapshot(
            id: id, teamId: compute.teamId, computeId: compute.id, hostId: hostId, name: name, state: .taking,
            image: compute.image, imageId: compute.imageId, storageGb: compute.storageGb,
            deletionProtection: deletionProtection,
            createdAtMs: nowMs, updatedAtMs: nowMs, job: Job(.take, .copy, sinceMs: nowMs))
        try sql.snapshots.insert(snapshot)
        try sql.jobs.insert(
            id, .snapshot, SnapshotAction.take, machineId: compute.id, hostId: hostId, nowMs: nowMs)
        try sql.jobs.hold(compute.id, for: id)
        // What it costs follows from what it takes, which nobody knows yet.
        try sql.meters.insert(.snapshot, resourceId: id, teamId: compute.teamId, price: .free, nowMs: nowMs)
        try append(
            "snapshot.created", "\(name) of compute \(compute.id)", snapshot, by: actor, requestId: requestId,
            nowMs: nowMs)
        return id
    }

    /// Sets the state, and lets the snapshot's meter follow it.
    private func set(_ snapshot: Snapshot, state: SnapshotState, nowMs: Int64) throws {
        try sql.snapshots.set(snapshot.id, state: state, nowMs: nowMs)
        try sql.meters.follow(snapshot.id, state.billing, nowMs: nowMs)
        sql.tell(.team(snapshot.teamId))
    }

    /// Records that the snapshot is complete, and that its file takes `bytes`.
    public func keep(
        _ snapshot: Snapshot, bytes: Int64, _ consistency: SnapshotConsistency, price: Price, nowMs: Int64
    ) throws {
        try sql.snapshots.set(snapshot.id, bytes: bytes, consistency)
        try sql.meters.change(snapshot.id, to: price, nowMs: nowMs)
        try set(snapshot, state: .ready, nowMs: nowMs)
        try letGo(snapshot, nowMs: nowMs)
        try append("snapshot.ready", snapshot.name, snapshot, nowMs: nowMs)
    }

    /// It can't be taken, for this reason. What is left of it is for its job to clear up.
    public func fail(_ snapshot: Snapshot, _ failure: ComputeFailure, nowMs: Int64) throws {
        try sql.snapshots.set(snapshot.id, failure: failure)
        try set(snapshot, state: .failed, nowMs: nowMs)
        try append("snapshot.failed", failure.message, snapshot, nowMs: nowMs)
    }

    /// Begins to delete the snapshot, and ends its copy if one is under way. When the host has nothing left of it, the snapshot
    /// is DELETED at once, and its host is not needed.
    public func delete(
        _ snapshot: Snapshot, detail: String? = nil, by actor: Event.Actor, requestId: String? = nil,
        nowMs: Int64
    ) throws {
        try set(snapshot, state: .deleting, nowMs: nowMs)
        try append(
            "snapshot.delete.requested", detail, snapshot, by: actor, requestId: requestId, nowMs: nowMs)
        guard snapshot.job.step != .done else { return try end(snapshot, nowMs: nowMs) }
        try sql.jobs.begin(SnapshotAction.delete, snapshot.id, nowMs: nowMs)
    }

    /// Nothing of it is left on its host.
    public func finish(_ snapshot: Snapshot, nowMs: Int64) throws {
        try letGo(snapshot, nowMs: nowMs)
        guard snapshot.job.action == .delete else { return }
        try end(snapshot, nowMs: nowMs)
    }

    private func end(_ snapshot: Snapshot, nowMs: Int64) throws {
        try set(snapshot, state: .deleted, nowMs: nowMs)
        try sql.idempotencyKeys.expire(resourceId: snapshot.id, atMs: nowMs + IdempotencyKey.retentionMs)
        try append("snapshot.deleted", snapshot.name, snapshot, nowMs: nowMs)
    }

    /// Lets the compute's job go on if it waits for this snapshot.
    private func letGo(_ snapshot: Snapshot, nowMs: Int64) throws {
        guard try sql.jobs.waitsFor(snapshot.computeId) == snapshot.id else { return }
        try sql.jobs.letGo(snapshot.computeId, nowMs: nowMs)
    }

    private func append(
        _ kind: String, _ detail: String?, _ snapshot: Snapshot, by actor: Event.Actor = .system,
        requestId: String? = nil, nowMs: Int64
    ) throws {
        try sql.events.append(
            Event(
                resourceId: snapshot.id, teamId: snapshot.teamId, kind: kind, detail: detail, actor: actor,
                requestId: requestId), nowMs: nowMs)
    }
}

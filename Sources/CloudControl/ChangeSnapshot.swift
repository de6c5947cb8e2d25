import CloudCore
import CloudDatabase
import CloudVerbs

/// `DELETE` and `PATCH /snapshots/{id}`.
public struct ChangeSnapshot: Sendable {
    /// What is asked for.
    public enum Change: Sendable, Equatable {
        /// Removes it. Nothing lies over a snapshot, so no compute and no image is harmed. One that is being taken is not
        /// taken any further.
        case delete
        case update(SnapshotUpdate)
    }

    public var id: Int64
    public var change: Change
    public var request: ChangeRequest
    public var answer: Answer<Snapshot>

    public init(
        id: Int64, change: Change, request: ChangeRequest, answer: @escaping Answer<Snapshot>
    ) {
        self.id = id
        self.change = change
        self.request = request
        self.answer = answer
    }

    /// Returns after the commit. Throws `FORBIDDEN`, `RESOURCE_NOT_FOUND`, `VALIDATION_ERROR` for the name, the team's standing
    /// for an update, and `CONFLICT` when it is protected, is being deleted, or a disk or an image is being made of it.
    public func run(in cloud: Cloud) async throws -> ChangeRequest.Outcome {
        try await request.carryOut(.changeSnapshot, .changeComputes, in: cloud, answer: answer) {
            try transact($0, cloud, nowMs: $1)
        }
    }

    private func transact(_ sql: any SQLConnection, _ cloud: Cloud, nowMs: Int64) throws -> Snapshot {
        let snapshot = try GetSnapshot.find(id, teamId: request.caller.teamId, sql)
        // To lift the protection counts as the deletion that it is for, which no standing forbids: it ends a cost.
        if change != .delete, change != .update(SnapshotUpdate(deletionProtection: false)) {
            try TeamWallet(sql: sql, teamId: snapshot.teamId, cloud: cloud).check(.update)
        }
        switch change {
        case .delete: try delete(snapshot, sql, nowMs: nowMs)
        case .update(let update): try self.update(snapshot, update, sql, nowMs: nowMs)
        }
        guard let changed = try sql.snapshots.get(id) else { throw CloudError.bug("snapshot \(id) vanished") }
        return changed
    }

    private func delete(_ snapshot: Snapshot, _ sql: any SQLConnection, nowMs: Int64) throws {
        // It is under way: accepted, and nothing changes.
        guard snapshot.state != .deleting else { return }
        guard !snapshot.deletionProtection else {
            throw CloudError(
                .conflict,
                "Snapshot \(id) is protected from deletion. PATCH /snapshots/\(id) with {\"deletionProtection\": false} "
                    + "first.",
                problems: [Problem("deletionProtection", "is true.")])
        }
        if let user = try sql.snapshots.users(id).first {
            throw CloudError(
                .conflict,
                "The disk of compute \(user) is being made of snapshot \(id). Delete it once that is done.")
        }
        if let image = try sql.images.beingMade(of: id).first {
            throw CloudError(
                .conflict,
                "The image \(image.slug) is being made of snapshot \(id). Delete the snapshot once that is done: "
                    + "GET /images/\(image.slug)?wait=READY.")
        }
        try sql.snapshotVerbs.delete(
            snapshot, by: .key(request.caller.keyId), requestId: request.requestId, nowMs: nowMs)
    }

    private func update(
        _ snapshot: Snapshot, _ update: SnapshotUpdate, _ sql: any SQLConnection, nowMs: Int64
    ) throws {
        if let name = update.name, let problem = DisplayName.problem(name) {
            throw CloudError.invalid([Problem("name", problem)])
        }
        guard snapshot.state != .deleting else {
            throw CloudError(
                .conflict, "Snapshot \(id) is DELETING, and nothing of it can be changed any more.")
        }
        try sql.snapshots.set(
            id, name: update.name ?? snapshot.name,
            deletionProtection: update.deletionProtection ?? snapshot.deletionProtection, nowMs: nowMs)
        let members = [
            update.name.map { "name \($0)" }, update.deletionProtection.map { "deletionProtection \($0)" },
        ]
        try sql.events.append(
            Event(
                resourceId: id, teamId: snapshot.teamId, kind: "snapshot.updated",
                detail: members.compactMap(\.self).joined(separator: "; "), actor: .key(request.caller.keyId),
                requestId: request.requestId), nowMs: nowMs)
    }
}

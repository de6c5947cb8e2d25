import CloudCore
import CloudDatabase

extension SQLConnection {
    public var imageVerbs: ImageVerbs { ImageVerbs(sql: self) }
}

/// Changes of a team's own image that take several rows, each a part of its caller's transaction.
public struct ImageVerbs {
    let sql: any SQLConnection

    /// Begins to make an image, on its host, and returns its id. Where it is made of a compute's disk, the compute's job waits
    /// for it, so that nothing starts the guest amid the copy.
    public func begin(
        _ new: NewTeamImage, by actor: Event.Actor, requestId: String?, nowMs: Int64
    ) throws -> Int64 {
        let id = try sql.resources.insert(.image, teamId: new.teamId, nowMs: nowMs)
        try sql.images.insert(id, new, nowMs: nowMs)
        let machineId = if case .compute(let computeId) = new.origin { computeId } else { id }
        try sql.jobs.insert(
            id, .image, new.origin.action, machineId: machineId, hostId: new.hostId, nowMs: nowMs)
        if machineId != id { try sql.jobs.hold(machineId, for: id) }
        // What it costs follows from what it takes, which nobody knows yet.
        try sql.meters.insert(.image, resourceId: id, teamId: new.teamId, price: .free, nowMs: nowMs)
        try append(
            "image.created", "\(new.slug) of \(new.origin.inWords)", id, new.teamId, by: actor,
            requestId: requestId, nowMs: nowMs)
        return id
    }

    /// Records how many bytes of an upload are on the host, and wakes its job once all are.
    public func receive(_ image: TeamImage, received: Int64, nowMs: Int64) throws {
        guard case .upload(_, let size) = image.origin, image.state == .uploading else { return }
        try sql.images.set(image.id, received: received, nowMs: nowMs)
        sql.tell(.team(image.teamId))
        guard received >= size else { return }
        try sql.jobs.schedule(image.id, dueAtMs: nowMs)
        sql.tell(.due(image.id))
    }

    /// All of the upload has come, and its host makes the image.
    public func prepare(_ image: TeamImage, nowMs: Int64) throws {
        try set(image, state: .preparing, nowMs: nowMs)
    }

    /// Records that the image is complete.
    public func keep(_ image: TeamImage, _ made: MadeImage, price: Price, nowMs: Int64) throws {
        try sql.images.set(image.id, made: made)
        try sql.meters.change(image.id, to: price, nowMs: nowMs)
        try set(image, state: .ready, nowMs: nowMs)
        try sql.hosts.noteImage(image.key, hostId: image.hostId)
        try letGo(image, nowMs: nowMs)
        try append("image.ready", image.slug, image, nowMs: nowMs)
    }

    /// It can't be made, or is lost, for this reason. What is left of it is for its job to clear up.
    public func fail(_ image: TeamImage, _ failure: ComputeFailure, nowMs: Int64) throws {
        try sql.images.set(image.id, failure: failure)
        try set(image, state: .failed, nowMs: nowMs)
        try append("image.failed", failure.message, image, nowMs: nowMs)
    }

    /// The host that had it is lost, and nobody has a copy: nothing is left that its job could clear up.
    public func lose(_ image: TeamImage, because reason: String, nowMs: Int64) throws {
        if image.state == .deleting {
            try end(image, nowMs: nowMs)
        } else {
            try fail(image, ComputeFailure(.hostFailed, reason), nowMs: nowMs)
        }
        try letGo(image, nowMs: nowMs)
        try sql.hosts.forgetImage(image.key)
        try sql.jobs.set(image.id, action: ImageAction.gone)
        try sql.jobs.move(image.id, to: ImageStep.done, nowMs: nowMs)
        try sql.jobs.schedule(image.id, dueAtMs: nil)
        try sql.jobs.release(image.id)
    }

    /// Begins to delete the image, and ends its making if it is under way. When the host has nothing left of it, the image is
    /// DELETED at once, and its host is not needed. Whether anything lies over it is for the caller to know.
    public func delete(
        _ image: TeamImage, detail: String? = nil, by actor: Event.Actor, requestId: String? = nil,
        nowMs: Int64
    ) throws {
        try set(image, state: .deleting, nowMs: nowMs)
        try append(
            "image.delete.requested", detail, image.id, image.teamId, by: actor, requestId: requestId,
            nowMs: nowMs)
        guard image.job.step != .done else { return try end(image, nowMs: nowMs) }
        try sql.jobs.begin(ImageAction.delete, image.id, nowMs: nowMs)
    }

    /// Nothing of it is left on its host. What other hosts have fetched, they remove by themselves.
    public func finish(_ image: TeamImage, nowMs: Int64) throws {
        try letGo(image, nowMs: nowMs)
        guard image.job.action == .delete else { return }
        try end(image, nowMs: nowMs)
    }

    /// Changes what its owner may.
    public func update(
        _ image: TeamImage, _ update: ImageUpdate, by actor: Event.Actor, requestId: String?, nowMs: Int64
    ) throws {
        try sql.images.set(
            image.id, name: update.name ?? image.name,
            deletionProtection: update.deletionProtection ?? image.deletionProtection, nowMs: nowMs)
        let members = [
            update.name.map { "name \($0)" }, update.deletionProtection.map { "deletionProtection \($0)" },
        ]
        try append(
            "image.updated", members.compactMap(\.self).joined(separator: "; "), image.id, image.teamId,
            by: actor, requestId: requestId, nowMs: nowMs)
    }

    private func end(_ image: TeamImage, nowMs: Int64) throws {
        try set(image, state: .deleted, nowMs: nowMs)
        try sql.hosts.forgetImage(image.key)
        try sql.idempotencyKeys.expire(resourceId: image.id, atMs: nowMs + IdempotencyKey.retentionMs)
        try append("image.deleted", image.slug, image, nowMs: nowMs)
    }

    /// Sets the state, and lets the image's meter follow it.
    private func set(_ image: TeamImage, state: TeamImageState, nowMs: Int64) throws {
        try sql.images.set(image.id, state: state, nowMs: nowMs)
        try sql.meters.follow(image.id, state.billing, nowMs: nowMs)
        sql.tell(.team(image.teamId))
    }

    /// Lets the compute's job go on if it waits for this image.
    private func letGo(_ image: TeamImage, nowMs: Int64) throws {
        guard case .compute(let id) = image.origin, try sql.jobs.waitsFor(id) == image.id else { return }
        try sql.jobs.letGo(id, nowMs: nowMs)
    }

    private func append(_ kind: String, _ detail: String?, _ image: TeamImage, nowMs: Int64) throws {
        try append(kind, detail, image.id, image.teamId, by: .system, requestId: nil, nowMs: nowMs)
    }

    private func append(
        _ kind: String, _ detail: String?, _ id: Int64, _ teamId: Int64, by actor: Event.Actor,
        requestId: String?, nowMs: Int64
    ) throws {
        try sql.events.append(
            Event(
                resourceId: id, teamId: teamId, kind: kind, detail: detail, actor: actor,
                requestId: requestId), nowMs: nowMs)
    }
}

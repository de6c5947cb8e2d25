import CloudCore
import CloudDatabase
import CloudVerbs
import HTTPTypes

/// What a client does with images of its team's own. Each slot has one at most, of the slot's snapshot.
extension Client {
    private static func slug(_ number: Int) -> String { "image-\(number)" }

    /// Makes the slot's image, the first time or after it was deleted.
    func makeImage(_ number: Int) async {
        guard let snapshotId = snapshotId(number) else { return }
        let slug = Self.slug(number)
        await changing(.createImage, "makes \(slug) of \(snapshotId)") { sql, nowMs in
            guard let snapshot = try sql.snapshots.get(snapshotId), snapshot.state == .ready,
                try sql.images.get(slug: slug, teamId: snapshot.teamId) == nil
            else { return }
            let new = NewTeamImage(
                teamId: snapshot.teamId, hostId: snapshot.hostId, slug: slug, name: slug,
                origin: .snapshot(id: snapshotId))
            _ = try sql.imageVerbs.begin(new, by: .system, requestId: nil, nowMs: nowMs)
        }
    }

    /// Creates a compute that starts with the slot's image. The audit judges what becomes of it.
    func createOver(_ number: Int) async {
        let body = CreateBody.text(image: Self.slug(number))
        let key = CreateBody.idempotencyKey(slot: 200 + number)
        let answer = await retrying("creates over \(Self.slug(number))") {
            await $0.answer(.post, "/computes", fields(idempotencyKey: key), body: body)
        }
        guard let answer, ![202, 402, 403, 404, 409, 422].contains(answer.status) else { return }
        world.promises.broke(
            .answerIsInTheContract, "a create over an image is answered \(answer.status): \(answer.text)")
    }

    /// Deletes the slot's image unless something lies over it.
    func deleteImage(_ number: Int) async {
        guard let snapshotId = snapshotId(number) else { return }
        let slug = Self.slug(number)
        await changing(.changeImage, "deletes \(slug)") { sql, nowMs in
            guard let snapshot = try sql.snapshots.get(snapshotId),
                let image = try sql.images.get(slug: slug, teamId: snapshot.teamId),
                image.state != .deleting, try sql.images.users(image.id, limit: 1).isEmpty
            else { return }
            try sql.imageVerbs.delete(image, by: .system, nowMs: nowMs)
        }
    }

    /// Asks for a change until a program has made it.
    private func changing(
        _ write: DurableWrite, _ what: String,
        _ change: @escaping @Sendable (any SQLConnection, _ nowMs: Int64) throws -> Void
    ) async {
        for _ in 0..<Self.maxAttempts {
            let isDone = await world.anyProgram()?.change(write, change) ?? false
            world.note { "client \(number) \(what): \(isDone ? "done" : "none")" }
            if isDone { return }
            await world.clock.sit(milliseconds: Int64(1 + world.random(below: Self.maxPauseMs)))
        }
    }
}

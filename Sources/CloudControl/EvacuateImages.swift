import CloudCore
import CloudDatabase
import CloudVerbs

/// Gives the images of teams' own of a lost host to others: to one that reaches the folder in which they lie, or that has
/// fetched a copy. An image that no other host has is FAILED, unless a disk on the lost host lies over it.
struct EvacuateImages: Sendable {
    let hostId: Int64

    static let reason =
        "Its host was lost, and no other host has a copy. Delete the image, and make it anew."

    func run(in cloud: Cloud) async throws {
        let now = cloud.clock.nowMs
        let count = try await cloud.database.write(.evacuateComputes) { sql in
            guard let host = try sql.hosts.get(hostId), try sql.hosts.isFenced(hostId) else { return 0 }
            let images = try sql.images.list(hostId: hostId)
            let sharer = try Self.sharer(of: host, sql, nowMs: now)
            for image in images where image.job.step != .done {
                try evacuate(image, to: sharer, sql, nowMs: now)
            }
            return images.count
        }
        if count > 0 { cloud.wake() }
    }

    /// Another host that lives, and reaches the folder in which the host's images lie.
    private static func sharer(
        of host: HostRecord, _ sql: any SQLConnection, nowMs: Int64
    ) throws -> Int64? {
        guard let store = host.store else { return nil }
        return try sql.hosts.list().first {
            $0.id != host.id && $0.store == store && !$0.isDown(nowMs: nowMs)
        }?.id
    }

    private func evacuate(
        _ image: TeamImage, to sharer: Int64?, _ sql: any SQLConnection, nowMs: Int64
    ) throws {
        let hasCopy = { () throws -> Int64? in
            guard image.state == .ready else { return nil }
            return try sql.images.otherHosts(of: image, aliveSinceMs: HostHeartbeat.oldest(nowMs: nowMs))
                .first
        }
        if let other = try sharer ?? hasCopy() {
            try sql.images.give(image.id, to: other)
        } else if try sql.images.users(image.id, limit: 1).isEmpty {
            try sql.imageVerbs.lose(image, because: Self.reason, nowMs: nowMs)
        }
    }
}

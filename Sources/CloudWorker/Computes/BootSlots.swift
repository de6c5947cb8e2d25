import CloudCore
import CloudDatabase
import Synchronization

/// How many guests may boot at once: booting is bound by the host's CPUs. Where several teams wait for a slot, they take turns,
/// and a guest that never answers holds its slot for no longer than a boot takes.
final class BootSlots: Sendable {
    /// Milliseconds after which a guest that does not answer no longer counts: by then its boot is over, or has failed.
    static let bootMs: Int64 = 60_000

    let limit: Int
    private let database: any Database
    private let claim: HostClaim
    private let state = Mutex(State())

    init(_ limit: Int, database: any Database, claim: HostClaim) {
        self.limit = limit
        self.database = database
        self.claim = claim
    }

    /// Takes a slot for the compute's boot, until `end`. Returns whether one is free for it.
    func begin(_ compute: Compute, nowMs: Int64) async throws -> Bool {
        while true {
            let (underWay, ended) = state.withLock { ($0.underWay.count, $0.ended) }
            guard underWay < limit else { return false }
            let saved = try await saved(compute, nowMs: nowMs)
            let isFree = state.withLock { state in
                // A boot that has ended since may have been seen in neither of them, so both are looked at again.
                state.ended == ended ? state.begin(compute, saved, limit: limit) : nil
            }
            if let isFree { return isFree }
        }
    }

    func end(_ id: Int64) {
        state.withLock { state in
            if state.underWay.removeValue(forKey: id) != nil { state.ended += 1 }
        }
    }

    /// What the database knows of other boots. Who waits is looked at where a slot may be free: there may be many.
    private func saved(_ compute: Compute, nowMs: Int64) async throws -> Saved {
        let (claim, limit) = (claim, limit)
        return try await database.glance { sql in
            let hostId = try claim.check(sql)
            let booting = try sql.jobs.teamsBooting(
                hostId: hostId, besides: compute.id, sinceMs: nowMs - Self.bootMs)
            guard booting.count < limit else { return Saved(booting: booting, waiting: []) }
            let waiting = try sql.jobs.teamsWaitingToBoot(
                hostId: hostId, besides: compute.teamId, untilMs: nowMs + ComputeWorkflow.bootSlotPollMs)
            return Saved(booting: booting, waiting: waiting)
        }
    }
}

extension BootSlots {
    private struct Saved: Sendable {
        /// The team of each guest that boots.
        var booting: [Int64]
        /// Other teams with computes that wait for a slot.
        var waiting: [Int64]
    }

    private struct State {
        /// Boots that are under way and not yet in the database, and their teams.
        var underWay: [Int64: Int64] = [:]
        /// How many of them have ended so far.
        var ended = 0
        /// Boots begun so far.
        private var begun = 0
        /// Which of them was the last of each team, as far as it still matters.
        private var turns: [Int64: Int] = [:]

        mutating func begin(_ compute: Compute, _ saved: Saved, limit: Int) -> Bool {
            let booting = saved.booting + underWay.filter { $0.key != compute.id }.map(\.value)
            let counts = Dictionary(booting.map { ($0, 1) }, uniquingKeysWith: +)
            func rank(_ team: Int64) -> (Int, Int) { (counts[team] ?? 0, turns[team] ?? 0) }
            let own = rank(compute.teamId)
            guard booting.count < limit, !saved.waiting.contains(where: { rank($0) < own }) else {
                return false
            }
            let teams = Set(booting + saved.waiting)
            turns = turns.filter { teams.contains($0.key) }
            begun += 1
            turns[compute.teamId] = begun
            underWay[compute.id] = compute.teamId
            return true
        }
    }
}

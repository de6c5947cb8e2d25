import CloudCore
import CloudDatabase
import Synchronization

/// How many guests may boot at once: booting is bound by the host's CPUs.
final class BootSlots: Sendable {
    let limit: Int
    private let database: any Database
    private let claim: HostClaim
    /// Boots that are under way and not yet in the database.
    private let underWay = Mutex<Set<Int64>>([])

    init(_ limit: Int, database: any Database, claim: HostClaim) {
        self.limit = limit
        self.database = database
        self.claim = claim
    }

    /// Counts the compute's boot, until `end`, and returns how many others boot now.
    func begin(_ id: Int64) async throws -> Int {
        // Counted before the database is asked, and until the outcome is in it: so each boot is seen in one of them.
        let others = underWay.withLock { ids in
            ids.insert(id)
            return ids.count - 1
        }
        let claim = claim
        return try await others
            + database.glance { sql in try sql.jobs.count(step: .confirm, hostId: try claim.check(sql)) }
    }

    func end(_ id: Int64) { underWay.withLock { _ = $0.remove(id) } }
}

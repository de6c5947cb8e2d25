import CloudCore
import CloudDatabase

/// Whom the database names, asked anew for each connection: nothing is remembered, so who is removed is out at once.
struct LinkPeers: Sendable {
    let database: any Database
    let clock: any CloudClock

    /// The program with that certificate; `nil`: it is not one of the cell's, or not any more.
    func accepted(_ fingerprint: String) async throws -> LinkRecord? {
        let now = clock.nowMs
        return try await database.glance { sql in
            try sql.links.accepted(fingerprint, nowMs: sql.nowMs() ?? now)
        }
    }

    /// Those of the programs that are not accepted any more.
    func strangers(among fingerprints: Set<String>) async throws -> Set<String> {
        guard !fingerprints.isEmpty else { return [] }
        let now = clock.nowMs
        return fingerprints.subtracting(
            try await database.glance { sql in
                try sql.links.accepted(of: fingerprints, nowMs: sql.nowMs() ?? now)
            })
    }
}

import CloudCore
import CloudDatabase

/// What one worker at a time does for the whole cell: the accounts, and forgetting old idempotency keys. It goes over to
/// another when the one that has it has died. Two that both do it for a moment do no harm, since each of their
/// transactions looks before it acts; it is only more work.
public struct CellDuty: Sendable {
    private let database: any Database
    private let claim: HostClaim
    private let clock: any CloudClock

    private static let name = "cell"
    /// How long it is held without being asked for: some looks of the accountant.
    static let heldMs: Int64 = 180_000

    public init(database: any Database, claim: HostClaim, clock: any CloudClock) {
        self.database = database
        self.claim = claim
        self.clock = clock
    }

    /// Whether the duty is this host's now; takes it when nobody has it. A host whose program was started anew has it
    /// still. Throws what the database throws.
    public func isMine() async throws -> Bool {
        let owner = "host \(try claim.hostId)"
        let now = clock.nowMs
        let heldUntil = try await database.read { sql in
            try sql.duties.heldUntilMs(Self.name, owner: owner)
        }
        if let heldUntil, heldUntil - now > Self.heldMs / 2 { return true }
        return try await database.write(.takeDuty) { sql in
            try claim.check(sql)
            return try sql.duties.take(Self.name, owner: owner, nowMs: now, untilMs: now + Self.heldMs)
        }
    }
}

import CloudCore
import CloudDatabase
import Logging
import ServiceLifecycle

/// Says every few seconds that the host's worker lives, and ends the program when the host is not its own any more.
public struct Heartbeat: Service {
    private let database: any Database
    private let claim: HostClaim
    private let clock: any CloudClock
    private let logger: Logger

    public init(database: any Database, claim: HostClaim, clock: any CloudClock, logger: Logger) {
        self.database = database
        self.claim = claim
        self.clock = clock
        self.logger = logger
    }

    /// Throws the claim's loss.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled, claim.loss == nil {
                var pause = HostHeartbeat.interval
                do {
                    try await beat()
                } catch {
                    pause = HostHeartbeat.retry
                    if !Task.isCancelled, claim.loss == nil {
                        logger.error(
                            "The heartbeat could not be written; trying again.",
                            metadata: ["error": "\(error)"])
                    }
                }
                guard claim.loss == nil else { break }
                try? await clock.sleep(for: pause)  // throws when cancelled, and the loop ends
            }
        }
        if let loss = claim.loss { throw loss }
    }

    /// One heartbeat. Throws the claim's loss, and what the database throws.
    public func beat() async throws {
        let now = clock.nowMs
        try await database.write(.heartbeat) { sql in try claim.beat(sql, nowMs: now) }
    }
}

import CloudCore
import CloudDatabase
import CloudMachines
import Logging
import ServiceLifecycle

/// Looks at every machine that should run, all in one go, and makes the jobs of those due that do not.
public struct Supervisor: Service {
    private let database: any Database
    private let host: any MachineHost
    private let clock: any CloudClock
    private let wake: Wake
    private let logger: Logger

    static let interval = Duration.seconds(2)

    public init(
        database: any Database, host: any MachineHost, clock: any CloudClock, wake: Wake, logger: Logger
    ) {
        self.database = database
        self.host = host
        self.clock = clock
        self.wake = wake
        self.logger = logger
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await look()
                } catch {
                    logger.error(
                        "The machines could not be looked at; trying again.", metadata: ["error": "\(error)"])
                }
                try? await Task.sleep(for: Self.interval)  // throws when cancelled, and the loop ends
            }
        }
    }

    /// One look at everything. Also forgets idempotency keys whose time is over.
    public func look() async throws {
        let now = clock.nowMs
        let idle = try await database.read { sql in try sql.computes.list(steps: [.idle]) }
        var gone: [Int64] = []
        for compute in idle where compute.intent == .running {
            if try await host.status(compute.id) == .absent { gone.append(compute.id) }
        }
        let due = gone
        guard !due.isEmpty else { return }
        try await database.write { sql in
            for id in due { try sql.jobs.schedule(id, dueAtMs: now) }
        }
        wake.signal()
    }
}

import CloudCore
import CloudMachines
import Logging
import ServiceLifecycle

/// Keeps the reserve of the disk that guests' disks lie on: several times a second, since a guest can write gigabytes in
/// the time between two of the supervisor's looks.
public struct SpaceWatch: Service {
    private let host: any MachineHost
    private let clock: any CloudClock
    private let metrics: WorkerMetrics
    private let logger: Logger

    /// Between two looks where machines take no space.
    static let idle = Duration.seconds(60)
    /// For one look, in which some machines' monitors may hang.
    static let lookTimeout = Duration.seconds(20)
    /// After a look that failed.
    static let retry = Duration.seconds(5)

    public init(
        host: any MachineHost, clock: any CloudClock, metrics: WorkerMetrics = WorkerMetrics(), logger: Logger
    ) {
        self.host = host
        self.clock = clock
        self.metrics = metrics
        self.logger = logger
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                var pause = Self.retry
                do {
                    pause = try await look()
                } catch {
                    if !Task.isCancelled {
                        logger.error(
                            "Checking the free space failed, will retry.", metadata: ["error": "\(error)"])
                    }
                }
                try? await clock.sleep(for: pause)  // throws when cancelled, and the loop ends
            }
        }
    }

    /// One look. Returns how long after it the next one is due.
    @discardableResult
    public func look() async throws -> Duration {
        let host = host
        let look = try await withTimeout(
            Self.lookTimeout, by: clock, late: .late("Checking the free space", after: Self.lookTimeout)
        ) { try await host.keepReserve() }
        guard let report = look else { return Self.idle }
        metrics.looked(report)
        guard !report.held.isEmpty else { return report.reserve.lookInterval }
        logger.warning(
            "The host's disk is nearly full; guests whose disks grow are held until there is space.",
            metadata: [
                "machines": "\(report.held)", "freeMiB": "\(report.space.free >> 20)",
                "reserveMiB": "\(report.reserve.bytes >> 20)",
            ])
        return report.reserve.lookInterval
    }
}

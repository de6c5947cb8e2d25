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

    /// Between two looks. A guest that writes 4 GB/s takes 1 GB, the least reserve, in this time.
    static let interval = Duration.milliseconds(250)
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
                var pause = Self.interval
                do {
                    try await look()
                } catch {
                    pause = Self.retry
                    if !Task.isCancelled {
                        logger.error(
                            "Checking the free space failed, will retry.", metadata: ["error": "\(error)"])
                    }
                }
                try? await clock.sleep(for: pause)  // throws when cancelled, and the loop ends
            }
        }
    }

    /// One look. Does nothing where machines take no space.
    public func look() async throws {
        guard let report = try await host.keepReserve() else { return }
        metrics.looked(report)
        guard !report.held.isEmpty else { return }
        logger.warning(
            "The host's disk is nearly full; guests whose disks grow are held until there is space.",
            metadata: [
                "machines": "\(report.held)", "freeMiB": "\(report.space.free >> 20)",
                "reserveMiB": "\(report.reserve.bytes >> 20)",
            ])
    }
}

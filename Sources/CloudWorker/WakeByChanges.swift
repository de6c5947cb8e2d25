import CloudCore
import CloudDatabase
import ServiceLifecycle

/// Wakes the worker when another program on the same database has given a job to its host.
public struct WakeByChanges: Service {
    private let claim: HostClaim
    private let jobs: @Sendable (_ hostId: Int64) -> Changes
    private let clock: any CloudClock
    private let wake: Wake

    /// How long one wait lasts. There is no need for an end; a bound lets a test see that there is one.
    static let waitLimit = Duration.seconds(60)
    /// Between two looks whether the host is registered, which it mostly is at the start.
    static let registrationLook = Duration.seconds(1)

    /// - Parameter jobs: what is signalled for a host's jobs; asked for once.
    public init(
        claim: HostClaim, jobs: @escaping @Sendable (_ hostId: Int64) -> Changes, clock: any CloudClock,
        wake: Wake
    ) {
        self.claim = claim
        self.jobs = jobs
        self.clock = clock
        self.wake = wake
    }

    /// Works until a graceful shutdown, or until the host is lost.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled, claim.isToCome {
                try? await clock.sleep(for: Self.registrationLook)  // throws when cancelled
            }
            guard let hostId = try? claim.hostId else { return }  // lost: the worker ends
            await follow(jobs(hostId))
        }
    }

    private func follow(_ changes: Changes) async {
        var seen = changes.count
        while !Task.isCancelled {
            await changes.wait(after: seen, atMost: Self.waitLimit)
            let count = changes.count
            if count != seen { wake.signal() }
            seen = count
        }
    }
}

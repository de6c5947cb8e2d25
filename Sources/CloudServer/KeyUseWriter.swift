import CloudControl
import Logging
import ServiceLifecycle

/// Writes down when keys were last used, once a minute and at the end.
public struct KeyUseWriter: Service {
    private let cloud: Cloud
    private let logger: Logger

    /// So no key is written more often than once a minute, and what is shown is at most so far behind.
    static let interval = Duration.seconds(60)

    public init(cloud: Cloud, logger: Logger) {
        self.cloud = cloud
        self.logger = logger
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                try? await Task.sleep(for: Self.interval)  // throws when cancelled, and the loop ends
                if !Task.isCancelled { await write() }
            }
        }
        await write()
    }

    private func write() async {
        do {
            try await cloud.keyUse.write(to: cloud.database)
        } catch {
            logger.warning(
                "The last use of keys could not be written; trying again.", metadata: ["error": "\(error)"])
        }
    }
}

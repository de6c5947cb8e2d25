import CloudControl
import CloudCore
import CloudDatabase
import CloudServer
import Logging
import ServiceLifecycle

extension TestCloud {
    /// A listener of a cloud on the loopback.
    public struct LiveServer: Sendable {
        /// `http://127.0.0.1:PORT`.
        public var url: String
        /// Begins a graceful shutdown.
        public var end: @Sendable () async -> Void
    }

    /// Runs `body` with a real listener in front of this cloud, for what can't be had without a connection. Ends it
    /// gracefully and returns when it has ended.
    public func live(_ body: @escaping @Sendable (LiveServer) async throws -> Void) async throws {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let (addresses, address) = AsyncStream<String>.makeStream()
        let application = CloudServer.application(
            cloud: cloud, settings: .init(listen: .tcp(host: "127.0.0.1", port: 0)), logger: logger,
            onRunning: { address.yield($0) })
        let services = ServiceGroup(services: [application], logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await services.run() }
            let url = await addresses.first { _ in true } ?? ""
            do {
                try await body(LiveServer(url: url, end: { await services.triggerGracefulShutdown() }))
            } catch {
                await services.triggerGracefulShutdown()
                throw error
            }
            await services.triggerGracefulShutdown()
            try await group.waitForAll()
        }
    }

    /// The API key itself.
    public func secret(_ key: Key) -> String {
        switch key {
        case .none: ""
        case .of(let role): keys[role] ?? ""
        case .stranger: strangersKey
        case .raw(let text): text
        }
    }

    /// Appends events of the team, as verbs and the worker do, and returns when they are committed.
    public func append(_ kinds: [String], as key: Key = .of(.owner)) async throws {
        let caller = try await Authenticate(authorization: "Bearer \(secret(key))").run(in: cloud)
        let now = clock.nowMs
        try await cloud.database.write { sql in
            for kind in kinds {
                try sql.events.append(
                    Event(resourceId: nil, teamId: caller.teamId, kind: kind, actor: .key(caller.keyId)),
                    nowMs: now)
            }
        }
    }
}

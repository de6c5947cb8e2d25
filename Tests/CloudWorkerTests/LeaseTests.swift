import CloudCore
import CloudDatabase
import CloudMachines
import CloudTesting
import Logging
import Synchronization
import Testing

@testable import CloudWorker

@Suite("The lease of a job")
struct LeaseTests {
    /// A database after the first read of which the program is suspended, and the world goes on without it.
    private final class SuspendedDatabase: Database {
        private let database: any Database
        private let meanwhile: @Sendable () async throws -> Void
        private let wasSuspended = Mutex(false)

        init(_ database: any Database, meanwhile: @escaping @Sendable () async throws -> Void) {
            self.database = database
            self.meanwhile = meanwhile
        }

        var changes: Changes { database.changes }

        func read<T: Sendable>(
            _ body: @escaping @Sendable (any SQLConnection) throws -> T
        ) async throws -> T {
            let value = try await database.read(body)
            let isFirst = wasSuspended.withLock { suspended in
                defer { suspended = true }
                return !suspended
            }
            if isFirst { try await meanwhile() }
            return value
        }

        func write<T: Sendable>(
            _ name: DurableWrite, _ body: @escaping @Sendable (any SQLConnection) throws -> T
        ) async throws -> T { try await database.write(name, body) }
    }

    private func worker(
        of cloud: TestCloud, meanwhile: @escaping @Sendable () async throws -> Void
    ) -> Worker {
        Worker(
            database: SuspendedDatabase(cloud.database, meanwhile: meanwhile), host: cloud.host,
            claim: cloud.claim, catalogue: .test, clock: cloud.clock, wake: Wake(), bootSlots: 2,
            stopGrace: .seconds(60),
            owner: "suspended", logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, jitter: { 0 }
        )
    }

    @Test("a worker that was suspended for longer than its lease makes nothing of what another has deleted")
    func suspended() async throws {
        try await TestCloud.with { cloud in
            _ = try await cloud.create()
            let suspended = worker(of: cloud) {
                cloud.clock.advance(milliseconds: Worker.leaseMs + 1)
                try await cloud.settle()
                _ = try await cloud.act(.delete, on: "1")
                try await cloud.settle()
            }
            try await suspended.runDueJobs()
            #expect(try await cloud.state("1") == nil)
            #expect(await cloud.host.inventory().isEmpty)
        }
    }

    @Test("a step that could outlast its lease is left to whoever leases the job next")
    func tooLate() async throws {
        try await TestCloud.with { cloud in
            _ = try await cloud.create()
            try await worker(of: cloud) { cloud.clock.advance(milliseconds: 30_001) }.runDueJobs()
            #expect(await cloud.host.calls.isEmpty)
            cloud.clock.advance(milliseconds: Worker.leaseMs)
            try await cloud.settle()
            #expect(try await cloud.state("1") == "RUNNING")
        }
    }

    @Test("a shorter suspension is no reason to wait")
    func inTime() async throws {
        try await TestCloud.with { cloud in
            _ = try await cloud.create()
            try await worker(of: cloud) { cloud.clock.advance(milliseconds: 30_000) }.runDueJobs()
            #expect(try await cloud.state("1") == "RUNNING")
        }
    }
}

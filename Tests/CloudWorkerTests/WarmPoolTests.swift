import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
import CloudTesting
import Logging
import Testing

@testable import CloudWorker

@Suite("Guests that are booted ahead")
struct WarmPoolTests {
    private func goal(_ count: Int, _ specification: String = "S-1C") throws -> WarmGoal {
        WarmGoal(
            image: try #require(Catalogue.test.image("TINY-1")),
            specification: try #require(Catalogue.test.specification(specification)), count: count)
    }

    private func pool(_ goals: [WarmGoal], _ cloud: TestCloud) -> WarmPool {
        WarmPool(
            goals: goals, host: cloud.host, database: cloud.cloud.database, claim: cloud.claim,
            clock: cloud.clock,
            logger: Logger(label: "test"))
    }

    private static func with(_ body: @escaping @Sendable (TestCloud) async throws -> Void) async throws {
        try await TestCloud.with { cloud in
            await cloud.host.set(warmStartMs: cloud.clock.nowMs)
            try await body(cloud)
        }
    }

    private func states(_ cloud: TestCloud) async -> [Int64: WarmGuest.State] {
        Dictionary(uniqueKeysWithValues: await cloud.host.warmGuests().map { ($0.number, $0.state) })
    }

    @Test("they are started one after the other, until there are as many as wanted")
    func fills() async throws {
        try await Self.with { cloud in
            let pool = pool([try goal(2)], cloud)
            #expect(try await !pool.look())
            #expect(await states(cloud) == [1: .booting])
            #expect(try await !pool.look(), "one boots")
            #expect(await states(cloud) == [1: .booting])
            await cloud.host.set(.ready, ofWarm: 1)
            #expect(try await !pool.look())
            await cloud.host.set(.ready, ofWarm: 2)
            #expect(try await pool.look(), "nothing is due")
            #expect(await states(cloud) == [1: .ready, 2: .ready])
        }
    }

    @Test("one that a compute has taken is replaced, but not while the compute's guest boots")
    func refills() async throws {
        try await Self.with { cloud in
            let pool = pool([try goal(1)], cloud)
            try await pool.look()
            await cloud.host.set(.ready, ofWarm: 1)
            try await pool.look()

            await cloud.host.set(sshAnswers: false)
            _ = try await cloud.create(TestCloud.body(specification: "\"S-1C\""))
            try await cloud.worker.runDueJobs()
            #expect(await states(cloud) == [:], "it is the compute's")
            #expect(try await !pool.look())
            #expect(await states(cloud) == [:])

            await cloud.host.set(sshAnswers: true)
            try await cloud.settle()
            try await pool.look()
            #expect(await states(cloud) == [2: .booting])
        }
    }

    @Test("those that no goal wants, that are broken, or that never get ready are ended")
    func discards() async throws {
        try await Self.with { cloud in
            let first = pool([try goal(2)], cloud)
            for number in [1, 2] as [Int64] {
                try await first.look()
                await cloud.host.set(.ready, ofWarm: number)
            }
            try await pool([try goal(1)], cloud).look()
            #expect(await states(cloud) == [1: .ready], "fewer are wanted")
            await cloud.host.set(.broken, ofWarm: 1)
            try await pool([try goal(1)], cloud).look()
            #expect(await states(cloud) == [3: .booting], "another takes a broken one's place")
            cloud.clock.advance(milliseconds: WarmDecision.bootLimitMs)
            await cloud.host.set(warmStartMs: cloud.clock.nowMs)
            try await pool([try goal(1)], cloud).look()
            #expect(await states(cloud) == [4: .booting], "one that never gets ready")
            try await pool([try goal(1, "S-2C-4G")], cloud).look()
            #expect(await states(cloud) == [5: .booting], "of another specification")
            #expect(try await !pool([], cloud).look())
            #expect(await states(cloud) == [:])
            #expect(try await pool([], cloud).look())
        }
    }

    @Test("while an image is looked at, no guest is ended for it")
    func unready() async throws {
        try await Self.with { cloud in
            let pool = pool([try goal(1)], cloud)
            try await pool.look()
            await cloud.host.set(.ready, ofWarm: 1)
            await cloud.host.set(imageStatus: .preparing("reading"))
            try await pool.look()
            #expect(await states(cloud) == [1: .ready])
        }
    }

    @Test("a host that is another worker's gets no guest")
    func lost() async throws {
        try await Self.with { cloud in
            try await cloud.database.write(.registerHost) { sql in
                _ = try sql.execute("UPDATE hosts SET epoch = epoch + 1")
            }
            let pool = pool([try goal(1)], cloud)
            await #expect(throws: CloudError.self) { try await pool.look() }
            #expect(await states(cloud) == [:])
        }
    }
}

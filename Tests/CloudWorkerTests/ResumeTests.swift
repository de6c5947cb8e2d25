import CloudCore
import CloudDatabase
import CloudMachines
import CloudTesting
import Logging
import Testing

@testable import CloudWorker

/// What a worker makes of the time in which there was none, and of a clock that was set meanwhile.
@Suite("A worker that starts again")
struct ResumeTests {
    private static let dayMs: Int64 = 86_400_000

    @Test("a create that waited while no server ran for a day is not out of time, and gets all of it again")
    func downForADay() async throws {
        try await TestCloud.with { cloud in
            await cloud.host.set(sshAnswers: false)
            _ = try await cloud.create()
            try await cloud.work()
            #expect(try await cloud.step(1) == .confirm)
            cloud.clock.advance(milliseconds: Self.dayMs)
            try await cloud.worker.start()
            try await cloud.work()
            #expect(try await cloud.state("1") == "CREATING")
            await cloud.host.set(sshAnswers: true)
            try await cloud.settle()
            #expect(try await cloud.state("1") == "RUNNING")
        }
    }

    @Test("without an end, a create that waits all the same is FAILED by its deadline")
    func deadlineStillCounts() async throws {
        try await TestCloud.with { cloud in
            await cloud.host.set(sshAnswers: false)
            _ = try await cloud.create()
            try await cloud.work()
            cloud.clock.advance(milliseconds: Self.dayMs)
            try await cloud.work()
            #expect(try await cloud.state("1") == "FAILED")
        }
    }

    @Test("a clock that was set back by an hour lets no job sleep, and keeps no lease")
    func clockSetBack() async throws {
        try await TestCloud.with { cloud in
            await cloud.host.set(sshAnswers: false)
            _ = try await cloud.create()
            try await cloud.work()
            // Held by a worker that is dead, and due, both an hour from now by the clock as it was set.
            _ = try await cloud.database.write { sql in
                try sql.execute(
                    """
                    UPDATE jobs SET due_at_ms = due_at_ms + 3600000, step_since_ms = step_since_ms + 3600000,
                        lease_owner = 'dead', lease_until_ms = due_at_ms + 3690000
                    """)
            }
            await cloud.host.set(sshAnswers: true)
            try await cloud.work()
            #expect(try await cloud.state("1") == "CREATING")
            try await cloud.worker.start()
            try await cloud.work()
            #expect(try await cloud.state("1") == "RUNNING")
        }
    }

    @Test("what rests stays at rest")
    func rests() async throws {
        try await TestCloud.with { cloud in
            _ = try await cloud.createAndSettle()
            let before = try await cloud.database.read { sql in try sql.query("SELECT * FROM jobs") }
            cloud.clock.advance(milliseconds: Self.dayMs)
            try await cloud.worker.start()
            let after = try await cloud.database.read { sql in try sql.query("SELECT * FROM jobs") }
            #expect(before == after)
        }
    }
}

extension TestCloud {
    fileprivate func step(_ id: Int64) async throws -> ComputeStep? {
        try await database.read { sql in try sql.computes.get(id) }?.job.step
    }
}

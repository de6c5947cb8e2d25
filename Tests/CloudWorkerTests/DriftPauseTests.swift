import CloudCore
import CloudDatabase
import CloudTesting
import Testing

@testable import CloudWorker

@Suite("Drift that comes back")
struct DriftPauseTests {
    @Test("is looked at again by the supervisor's next look, and not at once")
    func pauses() async throws {
        try await TestCloud.with { cloud in
            _ = try await cloud.createAndSettle()
            let now = cloud.clock.nowMs
            let workflow = ComputeWorkflow(
                host: cloud.host, images: FindImage(database: cloud.database, catalogue: .test),
                network: cloud.worker.network,
                slots: BootSlots(1, database: cloud.database, claim: cloud.claim),
                snapshots: FindSnapshot(database: cloud.database), stopGraceMs: 0,
                sshPorts: nil,
                metrics: WorkerMetrics())
            let next = try await cloud.database.write(.saveIdle) { sql in
                try sql.jobs.schedule(1, dueAtMs: now)
                _ = try sql.jobs.lease(
                    owner: "worker", hostId: 1, limit: 1, nowMs: now, untilMs: now + Worker.leaseMs)
                let compute = try #require(try sql.computes.get(1))
                return try SaveOutcome(
                    workflow: workflow, claim: cloud.claim, walk: StepWalk(compute),
                    outcome: .news(.drifted(.seedLost)), owner: "worker", nowMs: now,
                    leaseUntilMs: now + Worker.leaseMs, backoffMs: 0
                ).run(sql)
            }
            #expect(next == .leave)
            #expect(try await cloud.database.read { sql in try sql.jobs.nextDueMs(hostId: 1) } == nil)
        }
    }
}

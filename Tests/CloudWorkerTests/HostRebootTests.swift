import CloudCore
import CloudDatabase
import CloudMachines
import CloudTesting
import HTTPTypes
import Testing

@testable import CloudWorker

@Suite("A host that was rebooted")
struct HostRebootTests {
    @Test("starts what ran, with its event, and nothing that was stopped or has failed")
    func startsAgain() async throws {
        try await TestCloud.with { cloud in
            for _ in 1...3 { _ = try await cloud.createAndSettle() }
            _ = try await cloud.act(.stop, on: "2")
            try await cloud.settle()
            await cloud.failCreates()
            _ = try await cloud.createAndSettle()
            try await cloud.worker.start()
            #expect(try await cloud.state("1") == "RUNNING", "the first start knows of no boot")

            try await cloud.reboot()
            #expect(try await cloud.state("1") == "STARTING")
            let event = try await cloud.database.read { sql in
                try sql.events.newest(.resource(1), limit: 1).first?.event
            }
            #expect(event?.kind == "compute.start.requested" && event?.actor == .system)
            #expect(event?.detail == "the host was rebooted")
            try await cloud.settle()
            #expect(try await cloud.states() == ["RUNNING", "STOPPED", "RUNNING", "FAILED"])
            #expect(await cloud.host.running == [1, 3])
            #expect(await cloud.host.plan.attachments.map(\.computeId) == [1, 2, 3])

            try await cloud.worker.start()
            #expect(try await cloud.states() == ["RUNNING", "STOPPED", "RUNNING", "FAILED"], "the same boot")
        }
    }

    @Test(
        "lets what was under way go on from every step",
        arguments: [ComputeAction.create, .start, .stop, .reboot, .upsize, .restore, .delete])
    func goesOn(_ action: ComputeAction) async throws {
        // A job never stands at a step that begins unsaved.
        for step in action.steps where !step.beginsUnsaved {
            try await TestCloud.with { cloud in
                try await cloud.worker.start()
                if action != .create {
                    _ = try await cloud.createAndSettle()
                    if [.start, .upsize].contains(action) {
                        _ = try await cloud.act(.stop, on: "1")
                        try await cloud.settle()
                    }
                }
                _ = try await cloud.act(action, on: "1")
                try await cloud.work(upTo: step)
                try await cloud.reboot()
                try await cloud.settle()
                let expected: String? =
                    switch action {
                    case .create, .start, .reboot, .restore: "RUNNING"
                    case .stop, .upsize: "STOPPED"
                    case .delete, .update, .cleanUp, .putBack, .keep, .gone: nil
                    }
                #expect(try await cloud.state("1") == expected, "\(action) at \(step)")
                #expect(
                    await cloud.host.running.count == (expected == "RUNNING" ? 1 : 0), "\(action) at \(step)")
                #expect(try await cloud.failures() == 0, "\(action) at \(step)")
            }
        }
    }
}

extension TestCloud {
    /// Ends every machine and the network, and begins another boot with a new worker.
    func reboot() async throws {
        for id in await host.running { await host.lose(id) }
        try await host.applyNetwork(NetworkPlan(attachments: []))
        await host.set(bootId: "boot \(clock.nowMs)")
        clock.advance(milliseconds: 120_000)
        try await worker.start()
    }

    /// Lets the worker work until the job stands at the step, and leaves its lease as a crash would.
    func work(upTo step: ComputeStep) async throws {
        struct Crash: Error {}
        for _ in 0..<20 {
            let present = try await database.read { sql in try sql.computes.get(1)?.job.step }
            if present == step { break }
            database.set(writeFault: Crash(), afterWrites: 2)
            _ = try? await worker.runDueJobs()  // it crashes: that is the point
            database.set()
            clock.advance(milliseconds: Worker.leaseMs)
        }
        let present = try await database.read { sql in try sql.computes.get(1)?.job.step }
        try #require(present == step)
    }

    /// The states of all computes that exist, by id.
    func states() async throws -> [String] {
        try await database.read { sql in
            try sql.query("SELECT state FROM computes ORDER BY id").map { try $0.text("state") }
        }
    }

    func failures() async throws -> Int64 {
        try await database.read { sql in
            try sql.query("SELECT COUNT(*) AS n FROM computes WHERE failure_code IS NOT NULL")[0].int("n")
        }
    }
}

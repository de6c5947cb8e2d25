import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
import CloudTesting
import HTTPTypes
import Logging
import ServiceLifecycle
import Testing

@testable import CloudWorker

@Suite("The running worker")
struct WorkerTests {
    @Test("a step that outlives its lease is not started a second time beside the first")
    func outlivedLease() async throws {
        try await TestCloud.with { cloud in
            let gate = Gate()
            await cloud.host.set(visit: { operation, id in
                if operation == .makeDisk { await gate.pass(id) }
            })
            try await withRunningWorker(cloud) { _ in
                _ = try await cloud.create()
                try await eventually("the first disk is begun") { await gate.arrivals == [1] }
                cloud.clock.advance(milliseconds: Worker.leaseMs + 1)
                _ = try await cloud.create()
                try await eventually("the second disk is begun") { await gate.arrivals.contains(2) }
                // The first is late by now, and is done again, but only once it has ended.
                #expect(await gate.arrivals == [1, 2])
                await gate.open()
                try await eventually("both run") {
                    cloud.clock.advance(milliseconds: 250)
                    return try await cloud.runningCount() == 2
                }
            }
        }
    }

    @Test("a shutdown finishes the step under way, saves it, and begins no other")
    func shutdown() async throws {
        try await TestCloud.with { cloud in
            let gate = Gate()
            await gate.open()
            await cloud.host.set(visit: { operation, id in
                guard operation == .makeDisk else { return }
                await gate.pass(id)
                // Until the shutdown has reached the worker: its being asked for is not enough.
                try? await gracefulShutdown()
            })
            try await withRunningWorker(cloud) { group in
                _ = try await cloud.create()
                try await eventually("the disk is begun") { await gate.arrivals == [1] }
                await group.triggerGracefulShutdown()
            }
            let compute = try await cloud.cloud.database.read { sql in try sql.computes.get(1) }
            #expect(compute?.job.step == .seed)
            #expect(await cloud.host.disks == [1])
            #expect(await cloud.host.seeds.isEmpty)
        }
    }

    @Test("creates that come to their boot together don't boot more guests than there are slots")
    func bootSlots() async throws {
        try await TestCloud.with(bootSlots: 1) { cloud in
            let gate = Gate()
            await cloud.host.set(visit: { operation, id in
                if operation == .boot { await gate.pass(id) }
            })
            try await withRunningWorker(cloud) { _ in
                for _ in 0..<4 { _ = try await cloud.create() }
                try await eventually("all have come to their boot") {
                    let begun = await gate.arrivals.count
                    let waiting = try await cloud.cloud.database.read { sql in
                        try sql.computes.list(steps: [.boot], hostId: 1).filter { $0.job.note != nil }.count
                    }
                    return begun + waiting >= 4
                }
                #expect(await gate.arrivals.count == 1)
                await gate.open()
                try await eventually("all run") {
                    cloud.clock.advance(milliseconds: ComputeWorkflow.bootSlotPollMs)
                    return try await cloud.runningCount() == 4
                }
            }
        }
    }

    @Test("a database that can't be written is tried again with pauses, not in a spin")
    func noSpin() async throws {
        try await TestCloud.with { cloud in
            _ = try await cloud.create()
            try await withRunningWorker(
                cloud,
                afterStart: {
                    cloud.database.set(writeFault: CloudError(.serviceUnavailable, "the disk is full"))
                }
            ) { _ in
                // Once it sleeps, only the clock leads to another attempt.
                for _ in 0..<3 {
                    try await eventually("the worker sleeps") { cloud.clock.sleeping == 1 }
                    let before = cloud.database.writes
                    cloud.clock.advance(milliseconds: 1000)
                    try await eventually("an attempt") { cloud.database.writes > before }
                    try await eventually("the worker sleeps") { cloud.clock.sleeping == 1 }
                    // A lease, and at first what the job under way tried to save. A spin makes hundreds.
                    #expect(cloud.database.writes <= before + 3)
                }
                cloud.database.set()
            }
        }
    }

    @Test("an outcome that can't be saved is decided again after a second, not when its lease runs out")
    func unsavedOutcome() async throws {
        try await TestCloud.with { cloud in
            let gate = Gate()
            await cloud.host.set(visit: { operation, id in
                if operation == .makeDisk { await gate.pass(id) }
            })
            let began = cloud.clock.nowMs
            try await withRunningWorker(cloud) { _ in
                _ = try await cloud.create()
                try await eventually("the disk is begun") { await gate.arrivals == [1] }
                cloud.database.set(writeFault: CloudError(.serviceUnavailable, "the disk is full"))
                let writes = cloud.database.writes
                await gate.open()
                try await eventually("the outcome could not be saved") { cloud.database.writes > writes }
                cloud.database.set()
                try await eventually("it runs") {
                    cloud.clock.advance(milliseconds: 100)
                    return try await cloud.runningCount() == 1
                }
            }
            #expect(await gate.arrivals == [1, 1], "the disk was looked for once more")
            #expect(cloud.clock.nowMs - began < Worker.leaseMs)
        }
    }

    @Test("a database that can't be written at the start is waited for")
    func startWithoutDatabase() async throws {
        try await TestCloud.with { cloud in
            _ = try await cloud.create()
            cloud.database.set(writeFault: CloudError(.serviceUnavailable, "the disk is full"))
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let group = ServiceGroup(services: [cloud.worker], logger: logger)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await group.run() }
                let writes = cloud.database.writes
                try await eventually("it was tried again") {
                    cloud.clock.advance(milliseconds: 100)
                    return cloud.database.writes > writes
                }
                cloud.database.set()
                try await eventually("it runs") {
                    cloud.clock.advance(milliseconds: 100)
                    return try await cloud.runningCount() == 1
                }
                await group.triggerGracefulShutdown()
                try await tasks.waitForAll()
            }
        }
    }

    /// Runs the worker as the program does, and shuts it down gracefully after `body`.
    private func withRunningWorker(
        _ cloud: TestCloud, afterStart: @escaping @Sendable () -> Void = {},
        _ body: @escaping @Sendable (ServiceGroup) async throws -> Void
    ) async throws {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let group = ServiceGroup(services: [cloud.worker], logger: logger)
        // The worker's start applies the network once; what follows is its loop.
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            try await eventually("the worker has started") {
                await cloud.host.calls[.applyNetwork] != nil
            }
            afterStart()
            do {
                try await body(group)
            } catch {
                await cloud.host.set(visit: { _, _ in })
                tasks.cancelAll()
                throw error
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }
}

extension TestCloud {
    fileprivate func runningCount() async throws -> Int {
        try await send(.get, "/computes?limit=100").data?.array?.filter { $0["state"]?.string == "RUNNING" }
            .count ?? 0
    }
}

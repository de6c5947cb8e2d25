import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
import CloudTesting
import HTTPTypes
import Testing

@testable import CloudWorker

@Suite("The life of a compute")
struct ComputeLifeTests {
    @Test("a create makes disk, seed, network and process; a delete leaves none of them")
    func createAndDestroy() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle(TestCloud.body(more: ", \"withPublicIp\": true"))
            #expect(try await cloud.state(id) == "RUNNING")
            #expect(await cloud.host.disks == [1])
            #expect(await cloud.host.seeds[1]?.hostName == "my-server-01")
            #expect(await cloud.host.running == [1])
            #expect(
                await cloud.host.plan.attachments.map { "\($0.privateIpv4) \($0.mac)" } == [
                    "10.0.0.5 52:54:0a:00:00:05"
                ])

            _ = try await cloud.send(.delete, "/computes/\(id)")
            try await cloud.settle()
            try await expectNothingLeft(cloud)
            let kinds = try await cloud.cloud.database.read { sql in
                try sql.events.list(resourceId: 1, limit: 10).map(\.kind)
            }
            #expect(
                kinds == [
                    "compute.created", "compute.running", "compute.delete.requested", "compute.destroyed",
                ])
        }
    }

    @Test("a fault before or after any effect is survived", arguments: SimulatedHost.Operation.allCases)
    func oneFault(_ operation: SimulatedHost.Operation) async throws {
        for moment in SimulatedHost.Moment.allCases
        where ![.image, .answersSSH, .pressPowerButton, .growDisk, .vacate].contains(operation)
            && !SimulatedHost.Operation.moves.contains(operation)
            && !SimulatedHost.Operation.snapshots.contains(operation)
            && !SimulatedHost.Operation.images.contains(operation)
        {
            try await TestCloud.with { cloud in
                let faults = OneFault(operation, moment)
                await cloud.host.set(fault: { try faults.meet($0, $1) })
                let id = try await cloud.createAndSettle()
                try await cloud.settle()
                #expect(try await cloud.state(id) == "RUNNING")
                _ = try await cloud.send(.delete, "/computes/\(id)")
                try await cloud.settle()
                #expect(faults.wasMet, "the fault at \(operation) \(moment) was never reached")
                try await expectNothingLeft(cloud)
            }
        }
    }

    static let lasting: [(SimulatedHost.Operation, ComputeStep)] = [
        (.makeDisk, .disk), (.makeSeed, .seed), (.applyNetwork, .network), (.boot, .boot),
    ]

    @Test(
        "a step that never succeeds ends in FAILED at its deadline, and nothing is left", arguments: lasting)
    func lastingFault(_ operation: SimulatedHost.Operation, _ step: ComputeStep) async throws {
        try await TestCloud.with { cloud in
            await cloud.host.set(fault: { asked, _ in
                // The network comes back for the clean-up, as soon as nobody is attached.
                if asked == operation { throw CloudError(.internalServerError, "the host's trouble") }
            })
            let id = try await cloud.createAndSettle()
            for _ in 0..<400 where try await cloud.state(id) == "CREATING" {
                cloud.clock.advance(milliseconds: 31_000)
                try await cloud.worker.runDueJobs()
            }
            await cloud.host.set(fault: { _, _ in })
            try await cloud.settle()
            let answer = try await cloud.send(.get, "/computes/\(id)")
            #expect(answer.data?["state"]?.string == "FAILED")
            #expect(answer.data?["failure"]?["code"]?.string == "DEADLINE_EXCEEDED")
            let message = answer.data?["failure"]?["message"]?.string ?? ""
            #expect(
                message.contains("'\(step.rawValue)'") && message.contains("the host's trouble"), "\(message)"
            )
            try await expectNothingLeft(cloud)
            _ = try await cloud.send(.delete, "/computes/\(id)")
            try await cloud.settle()
            #expect(try await cloud.state(id) == nil)
        }
    }

    @Test("a create is saved three times: with its files, when it boots, and when it answers")
    func commits() async throws {
        try await TestCloud.with { cloud in
            _ = try await cloud.create()
            let before = cloud.database.writes
            try await cloud.work()
            #expect(try await cloud.state("1") == "RUNNING")
            // A lease before, and one that finds nothing more to do.
            #expect(cloud.database.writes - before == 5)
        }
    }

    @Test("an image that can't be had fails the compute, with the reason and the remedy")
    func noImage() async throws {
        try await TestCloud.with { cloud in
            await cloud.host.set(
                imageStatus: .unavailable("the mirror answers 404. Run 'strettch admin image pull X'."))
            let id = try await cloud.createAndSettle(TestCloud.body(more: ", \"withPublicIp\": true"))
            let answer = try await cloud.send(.get, "/computes/\(id)")
            #expect(answer.data?["state"]?.string == "FAILED")
            #expect(answer.data?["failure"]?["code"]?.string == "IMAGE_UNAVAILABLE")
            #expect(
                answer.data?["failure"]?["message"]?.string
                    == "the mirror answers 404. Run 'strettch admin image pull X'.")
            #expect(answer.data?["ipv4"] == nil)
            try await expectNothingLeft(cloud)
        }
    }

    @Test("an image on its way is waited for, and the task says how far it is")
    func imageOnItsWay() async throws {
        try await TestCloud.with { cloud in
            await cloud.host.set(imageStatus: .preparing("downloading, 1 of 2 MB"))
            let id = try await cloud.createAndSettle()
            let task = try await cloud.send(.get, "/computes/\(id)").data?["task"]
            #expect(task?["step"]?.string == "image")
            #expect(task?["note"]?.string == "downloading, 1 of 2 MB")
            await cloud.host.set(imageStatus: .ready)
            try await cloud.settle()
            #expect(try await cloud.state(id) == "RUNNING")
        }
    }

    @Test("a delete goes before whatever the create is waiting for")
    func deleteWhileCreating() async throws {
        try await TestCloud.with { cloud in
            await cloud.host.set(imageStatus: .preparing("downloading"))
            let id = try await cloud.createAndSettle()
            _ = try await cloud.send(.delete, "/computes/\(id)")
            try await cloud.worker.runDueJobs()
            #expect(try await cloud.state(id) == nil)
            try await expectNothingLeft(cloud)
        }
    }

    @Test(
        "a delete at any step of a create leaves nothing",
        arguments: ComputeAction.create.steps + [.idle])
    func deleteAtStep(_ step: ComputeStep) async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            // A worker that died in this step: the job is due, and what it had made is there.
            try await cloud.cloud.database.write { sql in
                try sql.jobs.move(1, to: step, nowMs: 0)
                try sql.jobs.schedule(1, dueAtMs: 0)
            }
            _ = try await cloud.send(.delete, "/computes/\(id)")
            try await cloud.settle()
            #expect(try await cloud.state(id) == nil)
            try await expectNothingLeft(cloud)
        }
    }

    @Test(
        "a worker that died in any step is followed by one that finishes the create",
        arguments: ComputeAction.create.steps)
    func resume(_ step: ComputeStep) async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            try await cloud.cloud.database.write { sql in
                try sql.execute("UPDATE jobs SET lease_owner = 'dead', lease_until_ms = $1", [Int64.max])
                try sql.execute("UPDATE computes SET state = 'CREATING'")
                try sql.execute("UPDATE compute_totals SET n = CASE state WHEN 'CREATING' THEN 1 ELSE 0 END")
                try sql.jobs.begin(ComputeAction.create, 1, nowMs: 0)
                try sql.jobs.move(1, to: step, nowMs: 0)
                try sql.jobs.schedule(1, dueAtMs: 0)
            }
            try await cloud.worker.runDueJobs()
            #expect(try await cloud.state(id) == "CREATING", "the dead worker's lease is respected")
            try await cloud.worker.start()
            try await cloud.settle()
            #expect(try await cloud.state(id) == "RUNNING")
            #expect(await cloud.host.running == [1])
        }
    }

    @Test("no more guests boot at once than there are slots, and all come up")
    func bootSlots() async throws {
        try await TestCloud.with(bootSlots: 1) { cloud in
            for _ in 0..<5 { _ = try await cloud.create() }
            try await cloud.settle()
            for id in 1...5 { #expect(try await cloud.state("\(id)") == "RUNNING") }
        }
    }

    @Test("a guest that ends by itself becomes STOPPED and says why")
    func guestGone() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            await cloud.host.lose(1)
            try await cloud.supervisor.look()
            try await cloud.worker.runDueJobs()
            let answer = try await cloud.send(.get, "/computes/\(id)")
            #expect(answer.data?["state"]?.string == "STOPPED")
            #expect(answer.data?["failure"]?["code"]?.string == "GUEST_CRASHED")
        }
    }

    @Test("a guest that ends between its boot and its first login fails the create, and nothing is left")
    func guestGoneWhileBooting() async throws {
        try await TestCloud.with { cloud in
            await cloud.host.set(sshAnswers: false)
            let id = try await cloud.createAndSettle()
            #expect(try await cloud.state(id) == "CREATING")
            await cloud.host.lose(1)
            try await cloud.settle()
            let answer = try await cloud.send(.get, "/computes/\(id)")
            #expect(answer.data?["state"]?.string == "FAILED")
            #expect(answer.data?["failure"]?["code"]?.string == "HOST_FAILED")
            try await expectNothingLeft(cloud)
        }
    }

    @Test("a guest that powers itself off before its first login is STOPPED, says why, and can be started")
    func powersOffWhileBooting() async throws {
        try await TestCloud.with { cloud in
            await cloud.host.set(sshAnswers: false)
            let id = try await cloud.createAndSettle()
            for _ in 0..<2 {
                await cloud.host.powerOff(1)
                try await cloud.settle()
                let answer = try await cloud.send(.get, "/computes/\(id)")
                #expect(answer.data?["state"]?.string == "STOPPED")
                #expect(answer.data?["failure"]?["code"]?.string == "GUEST_STOPPED")
                #expect(answer.data?["task"] == nil)
                #expect(await cloud.host.poweredOff.isEmpty)
                #expect(await cloud.host.running.isEmpty)
                // Again, and it does the same.
                _ = try await cloud.act(.start, on: id)
                try await cloud.settle()
                #expect(try await cloud.state(id) == "STARTING")
            }
            await cloud.host.set(sshAnswers: true)
            cloud.clock.advance(milliseconds: 1000)
            try await cloud.settle()
            #expect(try await cloud.state(id) == "RUNNING")
            _ = try await cloud.act(.delete, on: id)
            try await cloud.settle()
            try await expectNothingLeft(cloud)
        }
    }

    @Test("a guest that is never reached fails the create at the step's deadline")
    func neverReached() async throws {
        try await TestCloud.with { cloud in
            await cloud.host.set(sshAnswers: false)
            let id = try await cloud.createAndSettle()
            cloud.clock.advance(milliseconds: (ComputeAction.create.deadlineMs(of: .confirm) ?? 0) - 1)
            try await cloud.worker.runDueJobs()
            #expect(try await cloud.state(id) == "CREATING")
            cloud.clock.advance(milliseconds: 1000)
            try await cloud.settle()
            #expect(try await cloud.state(id) == "FAILED")
            try await expectNothingLeft(cloud)
        }
    }

    private func expectNothingLeft(_ cloud: TestCloud) async throws {
        #expect(await cloud.host.inventory().isEmpty)
        #expect(await cloud.host.plan.attachments.isEmpty)
        let held = try await cloud.cloud.database.read { sql in
            try sql.query(
                """
                SELECT id FROM computes
                WHERE private_ipv4 IS NOT NULL OR public_ipv4 IS NOT NULL OR ssh_port IS NOT NULL
                """
            ).count
        }
        #expect(held == 0)
    }
}

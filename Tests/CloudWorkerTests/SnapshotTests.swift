import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
import CloudTesting
import HTTPTypes
import Testing

@testable import CloudWorker

@Suite("Snapshots and restores")
struct SnapshotTests {
    @Test("a snapshot has what was on the disk at its begin, and stays when its compute goes")
    func take() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            await cloud.host.write(1)
            let content = await cloud.host.content(1)
            let snapshotId = try await cloud.beginSnapshot(of: id)
            try await cloud.work()
            await cloud.host.write(1)
            try await cloud.settle()
            let snapshot = try #require(try await cloud.snapshot(snapshotId))
            #expect(snapshot.state == .ready && snapshot.consistency == .crash && snapshot.bytes == 20 << 20)
            #expect(await cloud.host.snapshotContent(snapshotId) == content)
            #expect(try await cloud.kinds(snapshotId) == ["snapshot.created", "snapshot.ready"])

            _ = try await cloud.act(.delete, on: id)
            try await cloud.settle()
            #expect(try await cloud.state(id) == nil)
            #expect(await cloud.host.snapshotContent(snapshotId) == content)
            try await cloud.deleteSnapshot(snapshotId)
            try await cloud.settle()
            #expect(try await cloud.snapshot(snapshotId)?.state == .deleted)
            #expect(await cloud.host.snapshotIds() == [])
        }
    }

    @Test(
        "whatever is asked of the compute amid the copy is done after it",
        arguments: [ComputeAction.stop, .delete])
    func copyFirst(_ action: ComputeAction) async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            await cloud.host.set(copyLooks: 3)
            let snapshotId = try await cloud.beginSnapshot(of: id)
            try await cloud.work()
            _ = try await cloud.act(action, on: id)
            try await cloud.work()
            #expect(await cloud.host.running == [1], "the copy is under way")
            try await cloud.settle()
            #expect(try await cloud.snapshot(snapshotId)?.state == .ready)
            #expect(await cloud.host.running == [])
            #expect(try await cloud.state(id) == (action == .stop ? "STOPPED" : nil))
        }
    }

    @Test("a snapshot that is deleted amid its copy ends it, and its compute goes on")
    func deleteAmidCopy() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            await cloud.host.set(copyLooks: 1000)
            let snapshotId = try await cloud.beginSnapshot(of: id)
            try await cloud.work()
            _ = try await cloud.act(.stop, on: id)
            try await cloud.deleteSnapshot(snapshotId)
            try await cloud.settle()
            #expect(try await cloud.snapshot(snapshotId)?.state == .deleted)
            #expect(try await cloud.state(id) == "STOPPED")
            #expect(await cloud.host.snapshotIds() == [])
        }
    }

    @Test("a guest that ends amid the copy fails the snapshot, which leaves nothing and costs nothing")
    func guestEnds() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            await cloud.host.set(copyLooks: 2)
            let snapshotId = try await cloud.beginSnapshot(of: id)
            try await cloud.work()
            await cloud.host.set(fault: { operation, moment in
                if operation == .takeSnapshot, moment == .before {
                    throw CloudError(.unprocessableEntity, "The host's disk has no room for it.")
                }
            })
            try await cloud.settle()
            let snapshot = try #require(try await cloud.snapshot(snapshotId))
            #expect(snapshot.state == .failed && snapshot.failure?.message.contains("no room") == true)
            #expect(await cloud.host.snapshotIds() == [])
            let meter = try await cloud.cloud.database.read { sql in try sql.meters.get(snapshotId) }
            #expect(meter?.isOpen == false && meter?.beganAtMs == nil)
            #expect(try await cloud.state(id) == "RUNNING")
            await cloud.host.set(fault: { _, _ in })
            _ = try await cloud.act(.stop, on: id)
            try await cloud.settle()
            #expect(try await cloud.state(id) == "STOPPED", "its job waits for nothing any more")
        }
    }

    @Test(
        "a restore brings back what was on the disk, from RUNNING and from STOPPED, and ends RUNNING",
        arguments: [true, false])
    func restore(_ isRunning: Bool) async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            await cloud.host.write(1)
            let before = await cloud.host.content(1)
            let snapshotId = try await cloud.readySnapshot(of: id)
            await cloud.host.write(1)
            if !isRunning {
                _ = try await cloud.act(.stop, on: id)
                try await cloud.settle()
            }
            try await cloud.restore(id, from: snapshotId)
            #expect(try await cloud.state(id) == (isRunning ? "REBOOTING" : "STARTING"))
            try await cloud.settle()
            #expect(try await cloud.state(id) == "RUNNING")
            #expect(await cloud.host.content(1) == before)
            #expect(await cloud.host.formerContent(1) == nil, "the disk that was kept is gone")
            #expect(
                try await cloud.kinds(1).suffix(3) == [
                    "compute.restore.requested", "compute.restored", "compute.running",
                ])
        }
    }

    @Test("a guest that does not come up on the restored disk gets the one back that it had")
    func putBack() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            let snapshotId = try await cloud.readySnapshot(of: id)
            await cloud.host.write(1)
            let after = await cloud.host.content(1)
            await cloud.host.set(sshAnswers: false)
            try await cloud.restore(id, from: snapshotId)
            try await cloud.untilRestoreFails()
            try await cloud.settle()
            let answer = try await cloud.send(.get, "/computes/\(id)")
            #expect(answer.data?["state"]?.string == "RUNNING")
            #expect(answer.data?["failure"]?["code"]?.string == "RESTORE_FAILED")
            #expect(await cloud.host.content(1) == after)
            #expect(await cloud.host.formerContent(1) == nil)
        }
    }

    @Test("a compute that is made of a snapshot has its content, on a disk of its own size")
    func createFrom() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            await cloud.host.write(1)
            let content = await cloud.host.content(1)
            let snapshotId = try await cloud.readySnapshot(of: id)
            let copy = try await cloud.create(from: snapshotId, specification: "S-2C-4G")
            await #expect(throws: CloudError.self, "a disk is being made of it") {
                try await cloud.deleteSnapshot(snapshotId)
            }
            try await cloud.settle()
            #expect(try await cloud.state("\(copy)") == "RUNNING")
            #expect(await cloud.host.content(copy) == content)
            #expect(await cloud.host.diskSizes[copy] == 80)
            try await cloud.deleteSnapshot(snapshotId)
            try await cloud.settle()
            #expect(await cloud.host.content(copy) == content)
        }
    }

    @Test(
        "a snapshot that is lost fails the create that is to be made of it, with a reason, and leaves nothing"
    )
    func lost() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            let snapshotId = try await cloud.readySnapshot(of: id)
            await cloud.host.loseSnapshot(snapshotId)
            let copy = try await cloud.create(from: snapshotId)
            try await cloud.settle()
            #expect(try await cloud.state("\(copy)") == "FAILED")
            try await cloud.restore(id, from: snapshotId)
            try await cloud.settle()
            #expect(try await cloud.state(id) == "RUNNING", "on the disk that it had")
            #expect(await cloud.host.disks == [1])
        }
    }

    @Test("a fault before or after any effect is survived", arguments: SimulatedHost.Operation.snapshots)
    func oneFault(_ operation: SimulatedHost.Operation) async throws {
        for moment in SimulatedHost.Moment.allCases {
            try await TestCloud.with { cloud in
                let faults = OneFault(operation, moment)
                let id = try await cloud.createAndSettle()
                await cloud.host.write(1)
                let content = await cloud.host.content(1)
                await cloud.host.set(fault: { try faults.meet($0, $1) })
                let snapshotId = try await cloud.readySnapshot(of: id)
                let copy = try await cloud.create(from: snapshotId)
                try await cloud.settle()
                try await cloud.restore(id, from: snapshotId)
                if operation == .takeBackFormerDisk {
                    await cloud.host.set(sshAnswers: false)
                    try await cloud.untilRestoreFails()
                }
                try await cloud.settle()
                try await cloud.deleteSnapshot(snapshotId)
                try await cloud.settle()
                #expect(faults.wasMet, "the fault at \(operation) \(moment) was never reached")
                for machine in [1, copy] {
                    #expect(try await cloud.state("\(machine)") == "RUNNING")
                    #expect(await cloud.host.content(machine) == content)
                }
                #expect(await cloud.host.snapshotIds() == [])
                #expect(await cloud.host.formerContent(1) == nil)
            }
        }
    }

    @Test("a team that is TERMINATED loses its snapshots")
    func terminated() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            let snapshotId = try await cloud.readySnapshot(of: id)
            _ = try await cloud.cloud.database.write(.moveStanding) { sql in
                try sql.execute("UPDATE wallets SET standing = 'TERMINATED' WHERE team_id = 1")
            }
            let enforce = EnforceStanding(teamId: 1, nowMs: cloud.clock.nowMs)
            try await cloud.cloud.database.write(.enforceStanding) { sql in try enforce.run(sql) }
            try await cloud.settle()
            #expect(try await cloud.snapshot(snapshotId)?.state == .deleted)
            #expect(await cloud.host.disks == [])
            #expect(await cloud.host.snapshotIds() == [])
        }
    }
}

extension TestCloud {
    /// Lets a restore of compute 1, whose guest's SSH server does not answer, come to its deadline; then it answers.
    fileprivate func untilRestoreFails() async throws {
        for _ in 0..<20 {
            try await work()
            clock.advance(milliseconds: 1000)
        }
        #expect(try await cloud.database.read { sql in try sql.computes.get(1)?.job.step } == .confirm)
        clock.advance(milliseconds: 300_000)
        try await work()
        #expect(try await kinds(1).last == "compute.restore.failed")
        await host.set(sshAnswers: true)
    }
}

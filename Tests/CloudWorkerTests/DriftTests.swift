import CloudCore
import CloudDatabase
import CloudMachines
import CloudTesting
import HTTPTypes
import Testing

@testable import CloudWorker

@Suite("What was done by hand")
struct DriftTests {
    @Test("a seed that is gone is made again, whether the machine runs or not")
    func seed() async throws {
        try await TestCloud.with { cloud in
            for id in ["1", "2"] {
                _ = try await cloud.createAndSettle()
                if id == "2" { _ = try await cloud.act(.stop, on: id) }
                try await cloud.settle()
                await cloud.host.loseSeed(Int64(id) ?? 0)
                try await cloud.notice()
                #expect(await cloud.host.seeds.keys.sorted().last == Int64(id))
                #expect(try await cloud.failure(id) == nil)
                #expect(try await cloud.lastEvent(id) == "compute.seed.repaired")
            }
        }
    }

    @Test(
        "a disk that is gone is told of a running machine and of a stopped one, and of one that is started, once"
    )
    func disk() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            await cloud.host.loseDisk(1)
            try await cloud.notice()
            #expect(try await cloud.failure(id) == "DISK_LOST")
            #expect(try await cloud.state(id) == "RUNNING", "the guest goes on")
            try await cloud.notice()
            #expect(try await cloud.events(id).count { $0 == "compute.disk.lost" } == 1)

            _ = try await cloud.act(.stop, on: id)
            try await cloud.settle()
            #expect(try await cloud.state(id) == "STOPPED")
            try await cloud.notice()
            #expect(try await cloud.failure(id) == "DISK_LOST")

            _ = try await cloud.act(.start, on: id)
            try await cloud.work()
            #expect(try await cloud.state(id) == "STOPPED", "at once, and not at a deadline")
            #expect(try await cloud.failure(id) == "DISK_LOST")
            #expect(await cloud.host.calls[.boot] == 1)

            await cloud.host.putDisk(1, storageGb: 20)
            try await cloud.notice()
            #expect(try await cloud.failure(id) == nil)
            #expect(try await cloud.lastEvent(id) == "compute.disk.found")
            _ = try await cloud.act(.start, on: id)
            try await cloud.settle()
            #expect(try await cloud.state(id) == "RUNNING")
        }
    }

    @Test("a disk that goes during a boot ends the start with that reason")
    func diskAtBoot() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            _ = try await cloud.act(.stop, on: id)
            try await cloud.settle()
            await cloud.host.set { [host = cloud.host] operation, _ in
                if operation == .makeSeed { await host.loseDisk(1) }
            }
            _ = try await cloud.act(.start, on: id)
            try await cloud.work()
            #expect(try await cloud.state(id) == "STOPPED")
            #expect(try await cloud.failure(id) == "DISK_LOST")
        }
    }

    @Test("a machine without its tap is told, the network is put right, and a reboot brings the guest back")
    func tap() async throws {
        try await TestCloud.with { cloud in
            for _ in 1...2 { _ = try await cloud.createAndSettle() }
            let plan = await cloud.host.plan
            await cloud.host.loseTap(1)
            try await cloud.notice()
            #expect(await cloud.host.plan == plan)
            // A tap that was just opened may look cut off too, so it takes two looks.
            try await cloud.supervise()
            try await cloud.work()
            #expect(try await cloud.failure("1") == "NETWORK_LOST")
            #expect(try await cloud.state("1") == "RUNNING")
            #expect(
                try await cloud.events("1").suffix(2) == ["compute.network.repaired", "compute.network.lost"])
            #expect(try await cloud.failure("2") == nil)
            #expect(try await cloud.lastEvent("2") == "compute.running")

            _ = try await cloud.act(.reboot, on: "1")
            try await cloud.settle()
            try await cloud.notice()
            try await cloud.supervise()
            #expect(try await cloud.state("1") == "RUNNING")
            #expect(try await cloud.failure("1") == nil)
        }
    }

    @Test(
        "a guest that stands still on a full disk is told once, is not plainly RUNNING, and goes on by itself"
    )
    func fullDisk() async throws {
        try await TestCloud.with { cloud in
            for _ in 1...2 { _ = try await cloud.createAndSettle() }
            await cloud.host.set(1, outOfSpace: true)
            for _ in 1...2 {
                try await cloud.notice()
                #expect(try await cloud.failure("1") == "DISK_FULL")
                #expect(try await cloud.state("1") == "RUNNING")
                #expect(try await cloud.events("1").suffix(2) == ["compute.running", "compute.disk.full"])
            }
            #expect(try await cloud.failure("2") == nil)
            await cloud.host.set(1, outOfSpace: false)
            try await cloud.notice()
            #expect(try await cloud.failure("1") == nil)
            try await cloud.notice()
            #expect(try await cloud.events("1").suffix(2) == ["compute.disk.full", "compute.disk.freed"])
        }
    }

    @Test("a guest that stands still on a full disk can be stopped and deleted, and a boot waits for space")
    func fullDiskActions() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            await cloud.host.set(1, outOfSpace: true)
            try await cloud.notice()
            _ = try await cloud.act(.stop, on: id)
            try await cloud.settle()
            #expect(try await cloud.state(id) == "STOPPED")
            #expect(try await cloud.failure(id) == nil)
            _ = try await cloud.act(.start, on: id)
            try await cloud.work()
            let waiting = try await cloud.send(.get, "/computes/\(id)").data?["task"]
            #expect(waiting?["note"]?.string == "waits for free space on the host's disk")
            await cloud.host.set(1, outOfSpace: false)
            try await cloud.settle()
            #expect(try await cloud.state(id) == "RUNNING")
            await cloud.host.set(1, outOfSpace: true)
            try await cloud.notice()
            _ = try await cloud.act(.delete, on: id)
            try await cloud.settle()
            #expect(try await cloud.state(id) == nil)
        }
    }

    @Test("a lost disk is worse news than a full one")
    func lostAndFull() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            await cloud.host.loseDisk(1)
            try await cloud.notice()
            await cloud.host.set(1, outOfSpace: true)
            for _ in 1...2 { try await cloud.notice() }
            #expect(try await cloud.failure(id) == "DISK_LOST")
            #expect(try await cloud.events(id).filter { $0.contains("disk") } == ["compute.disk.lost"])
        }
    }

    @Test("a tap that looks lost once before a reboot and once after it is not lost")
    func openedAgain() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            await cloud.host.loseTap(1)
            try await cloud.notice()
            _ = try await cloud.act(.reboot, on: id)
            try await cloud.settle()
            await cloud.host.loseTap(1)
            try await cloud.notice()
            #expect(try await cloud.failure(id) == nil)
            try await cloud.supervise()
            try await cloud.work()
            #expect(try await cloud.failure(id) == "NETWORK_LOST")
        }
    }

    @Test(
        "the network is looked at every 5 seconds at most, and put right without a sound when a step is on its way"
    )
    func rarely() async throws {
        try await TestCloud.with { cloud in
            _ = try await cloud.createAndSettle()
            try await cloud.supervise()
            let applied = await cloud.host.calls[.applyNetwork]
            try await cloud.host.applyNetwork(NetworkPlan(attachments: []))
            cloud.clock.advance(milliseconds: DriftWatch.intervalMs - 1)
            try await cloud.supervise()
            #expect(await cloud.host.plan.attachments.isEmpty)
            cloud.clock.advance(milliseconds: 1)
            try await cloud.supervise()
            #expect(await cloud.host.plan.attachments.count == 1)
            #expect(await cloud.host.calls[.applyNetwork] == (applied ?? 0) + 2)

            // A create whose step has not applied its network yet owes it to nobody.
            let fault = OneFault(.applyNetwork, .before)
            await cloud.host.set { try fault.meet($0, $1) }
            _ = try await cloud.create()
            try await cloud.work()
            try await cloud.notice()
            #expect(try await cloud.events("2").filter { $0.hasPrefix("compute.network") } == [])
        }
    }

    @Test("a network that can't be put right is told once, and no compute's events fill up")
    func stubborn() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            await cloud.host.loseTap(1)
            await cloud.host.set { operation, moment in
                if operation == .applyNetwork, moment == .before { throw CloudError.bug("no") }
            }
            for _ in 1...3 { try await cloud.notice() }
            #expect(try await cloud.events(id).filter { $0 == "compute.network.repaired" } == [])
            await cloud.host.set { _, _ in }
            try await cloud.notice()
            #expect(await cloud.host.plan.attachments.count == 1)
        }
    }
}

extension TestCloud {
    /// Lets the supervisor look after its pause, and the worker do what that made due.
    func notice() async throws {
        clock.advance(milliseconds: DriftWatch.intervalMs)
        try await supervise()
        try await work()
    }

    func failure(_ id: String) async throws -> String? {
        try await send(.get, "/computes/\(id)").data?["failure"]?["code"]?.string
    }

    /// The kinds of a compute's events, oldest first.
    func events(_ id: String) async throws -> [String] {
        try await database.read { sql in
            try sql.events.list(resourceId: Int64(id) ?? 0, limit: 100).map(\.kind)
        }
    }

    func lastEvent(_ id: String) async throws -> String? { try await events(id).last }

    /// Kinds and details of the events of the cell itself, oldest first.
    func hostEvents() async throws -> [String] {
        try await database.read { sql in
            try sql.query(
                "SELECT kind, detail FROM events WHERE team_id IS NULL AND kind <> 'host.joined' ORDER BY id"
            ).map {
                "\(try $0.text("kind")) \(try $0.text("detail"))"
            }
        }
    }
}

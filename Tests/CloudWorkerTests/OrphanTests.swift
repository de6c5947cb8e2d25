import CloudCore
import CloudDatabase
import CloudMachines
import CloudTesting
import HTTPTypes
import Logging
import Testing

@testable import CloudWorker

@Suite("Machines without a compute")
struct OrphanTests {
    @Test("are removed once the grace period is over, with events of the cell, and nothing else is")
    func life() async throws {
        try await TestCloud.with { cloud in
            for _ in 1...2 { _ = try await cloud.createAndSettle() }
            _ = try await cloud.act(.delete, on: "2")
            try await cloud.settle()
            await cloud.host.putDisk(2, storageGb: 1)
            await cloud.host.putDisk(99, storageGb: 1)
            try await cloud.notice()
            #expect(
                try await cloud.hostEvents() == [
                    "host.orphan.found machine 2", "host.orphan.found machine 99",
                ])

            cloud.clock.advance(milliseconds: 600_000 - DriftWatch.intervalMs - 1)
            try await cloud.notice()
            #expect(await cloud.host.disks == [1, 2, 99])
            try await cloud.notice()
            #expect(await cloud.host.disks == [1])
            try await cloud.notice()
            #expect(
                try await cloud.hostEvents().suffix(2) == [
                    "host.orphan.gone machine 2", "host.orphan.gone machine 99",
                ])
            #expect(try await cloud.database.read { sql in try sql.hosts.orphans(1) } == [:])
            #expect(try await cloud.state("1") == "RUNNING")
        }
    }

    @Test("are known since they were first seen, also to the next server")
    func restart() async throws {
        try await TestCloud.with { cloud in
            await cloud.host.putDisk(99, storageGb: 1)
            try await cloud.notice()
            cloud.clock.advance(milliseconds: 600_000)
            let next = Supervisor(
                database: cloud.database, host: cloud.host, claim: cloud.claim,
                duty: CellDuty(database: cloud.database, claim: cloud.claim, clock: cloud.clock),
                network: cloud.worker.network, clock: cloud.clock,
                wake: Wake(), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            try await next.look()
            #expect(await cloud.host.disks == [])
            #expect(try await cloud.hostEvents() == ["host.orphan.found machine 99"])
        }
    }

    @Test("that go by themselves are forgotten, and begin anew when they come back")
    func forgotten() async throws {
        try await TestCloud.with { cloud in
            await cloud.host.putDisk(99, storageGb: 1)
            try await cloud.notice()
            await cloud.host.loseDisk(99)
            cloud.clock.advance(milliseconds: 600_000)
            try await cloud.notice()
            await cloud.host.putDisk(99, storageGb: 1)
            try await cloud.notice()
            #expect(await cloud.host.disks == [99])
            #expect(
                try await cloud.hostEvents() == [
                    "host.orphan.found machine 99", "host.orphan.gone machine 99",
                    "host.orphan.found machine 99",
                ])
        }
    }

    @Test("are not those that a create or a delete is at work on")
    func underWay() async throws {
        try await TestCloud.with { cloud in
            let fault = OneFault(.erase, .before)
            await cloud.host.set { try fault.meet($0, $1) }
            _ = try await cloud.createAndSettle()
            _ = try await cloud.act(.delete, on: "1")
            try await cloud.work()
            try await cloud.supervise()
            #expect(await cloud.host.disks == [1])
            #expect(try await cloud.hostEvents() == [])
        }
    }

    @Test("are in no team's audit log")
    func ofNoTeam() async throws {
        try await TestCloud.with { cloud in
            await cloud.host.putDisk(99, storageGb: 1)
            try await cloud.notice()
            for key in [TestCloud.Key.of(.owner), .stranger] {
                #expect(
                    !(try await cloud.send(.get, "/audit-logs?limit=100", as: key).text.contains("orphan")))
            }
        }
    }
}

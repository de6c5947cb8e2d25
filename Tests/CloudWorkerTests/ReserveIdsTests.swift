import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
import CloudTesting
import HTTPTypes
import Logging
import Testing

@testable import CloudWorker

@Suite("The ids of new computes")
struct ReserveIdsTests {
    @Test("are none that a machine on the host has, whatever the database knows of it")
    func reserved() async throws {
        try await TestCloud.with { cloud in
            _ = try await cloud.createAndSettle()
            try await reserve(cloud)
            #expect(try await cloud.createAndSettle() == "2", "its own machine takes nothing away")
            // A machine of a compute that this database has never had, as after it was put back by hand.
            let stray = try await cloud.stray(40)
            try await cloud.host.makeDisk(stray, from: cloud.cloud.catalogue.images[0])
            for _ in 0..<2 { try await reserve(cloud) }
            #expect(try await cloud.createAndSettle() == "41")
        }
    }

    private func reserve(_ cloud: TestCloud) async throws {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        try await ReserveIds(database: cloud.database, host: cloud.host, logger: logger).run()
    }
}

@Suite("A compute whose disk is gone")
struct DiskLostTests {
    @Test("is not started: it is STOPPED at once with the reason, rests, and can be deleted")
    func start() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            // As after a restore: the database has a compute that was deleted since.
            await cloud.host.lose(1)
            await cloud.host.loseDisk(1)
            try await cloud.supervise()
            try await cloud.work()
            #expect(try await cloud.state(id) == "STOPPED")
            _ = try await cloud.act(.start, on: id)
            try await cloud.work()
            let shown = try await cloud.send(.get, "/computes/\(id)").data
            #expect(shown?["state"]?.string == "STOPPED")
            #expect(shown?["failure"]?["code"]?.string == "DISK_LOST")
            #expect(shown?["task"]?["step"]?.string == nil)
            #expect(await cloud.host.calls[.growDisk] == nil, "no disk was made, grown or booted")
            cloud.clock.advance(milliseconds: 600_000)
            try await cloud.supervise()
            try await cloud.work()
            #expect(try await cloud.state(id) == "STOPPED")
            _ = try await cloud.act(.delete, on: id)
            try await cloud.work()
            #expect(try await cloud.state(id) == nil)
        }
    }
}

extension TestCloud {
    /// A machine that no compute stands for.
    fileprivate func stray(_ id: Int64) async throws -> Machine {
        let found = try await database.read { sql in try sql.computes.get(1) }
        let attachment = try #require(found.flatMap { NetworkAttachment($0) })
        return Machine(
            id: id, hostName: "stray", vcpus: 1, memoryMb: 512, storageGb: 10, publicKeys: [],
            attachment: attachment)
    }
}

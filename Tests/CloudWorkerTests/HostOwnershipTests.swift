import CloudCore
import CloudDatabase
import CloudMachines
import CloudTesting
import HTTPTypes
import Logging
import ServiceLifecycle
import Testing

@testable import CloudWorker

@Suite("The ownership of a host")
struct HostOwnershipTests {
    @Test(
        "goes over to the worker that registers last; the one before changes nothing more and says why it ends"
    )
    func takenOver() async throws {
        try await TestCloud.with { cloud in
            _ = try await cloud.create()
            let second = try await cloud.second()
            let before = try await cloud.database.read { sql in try sql.query("SELECT * FROM jobs") }
            for attempt in [cloud.work, cloud.supervise, cloud.worker.start, cloud.beat] {
                let error = await #expect(throws: CloudError.self) { try await attempt() }
                #expect(error?.code == .conflict)
                #expect(error?.message.contains("'host-1'") == true)
                #expect(error?.message.contains("delete the file host-id") == true)
            }
            #expect(try await cloud.database.read { sql in try sql.query("SELECT * FROM jobs") } == before)
            #expect(await cloud.host.calls.isEmpty)
            try await second.start()
            try await second.runDueJobs()
            #expect(try await cloud.state("1") == "RUNNING")
        }
    }

    @Test("that is lost amid a step leaves the step's outcome to the new owner")
    func lostAmidStep() async throws {
        try await TestCloud.with { cloud in
            _ = try await cloud.create()
            await cloud.host.set(visit: { operation, _ in
                guard operation == .makeDisk else { return }
                await cloud.host.set(visit: { _, _ in })
                do {
                    _ = try await cloud.second()
                } catch {
                    Issue.record(error)
                }
            })
            await #expect(throws: CloudError.self) { try await cloud.work() }
            #expect(cloud.claim.loss != nil)
            let step = try await cloud.database.read { sql in try sql.computes.get(1)?.job.step }
            #expect(step == .image, "what it did to the host is done again, and nothing is saved")
        }
    }

    @Test("that is lost ends worker, supervisor and heartbeat, with the reason")
    func services() async throws {
        try await TestCloud.with { cloud in
            _ = try await cloud.second()
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let heartbeat = Heartbeat(
                database: cloud.database, claim: cloud.claim, clock: cloud.clock, logger: logger)
            for service in [cloud.worker, cloud.supervisor, heartbeat] as [any Service] {
                let error = await #expect(throws: CloudError.self) { try await service.run() }
                #expect(error == cloud.claim.loss && error != nil)
            }
        }
    }

    @Test("is kept by the host's identity, whatever its name; a name is one host's")
    func names() async throws {
        try await TestCloud.with { cloud in
            _ = try await cloud.create()
            #expect(try await cloud.register(HostFacts(identity: "host-1", name: "renamed")) == 1)
            let second = try await cloud.register(HostFacts(identity: "b", name: "host-1", region: "KGL-1"))
            #expect(second == 2)
            let error = await #expect(throws: CloudError.self) {
                try await cloud.register(HostFacts(identity: "c", name: "renamed"))
            }
            #expect(error?.problems.first?.field == "hostName")
            let hosts = try await cloud.database.read { sql in try sql.hosts.list() }
            #expect(hosts.map(\.name) == ["host-1", "renamed"])
            #expect(hosts.map(\.epoch) == [1, 2])
            #expect(hosts.map(\.taken.vcpus) == [0, 1])
            #expect(hosts.map(\.region) == ["KGL-1", nil])
        }
    }

    @Test("of what an upgrade made, and of a database that is one host's alone, is the first worker's")
    func adopted() async throws {
        try await TestCloud.with { cloud in
            #expect(
                try await cloud.register(HostFacts(identity: "b", name: "host-1"), isOnlyHost: true) == 1)
            _ = try await cloud.database.write { sql in try sql.execute("UPDATE hosts SET identity = NULL") }
            #expect(try await cloud.register(HostFacts(identity: "c", name: "c")) == 1)
            #expect(try await cloud.register(HostFacts(identity: "d", name: "d")) == 2)
        }
    }

    @Test("is not to be had of a host that was removed")
    func removed() async throws {
        try await TestCloud.with { cloud in
            try await cloud.database.write { sql in try sql.hosts.remove(1) }
            for attempt in [
                cloud.work, { _ = try await cloud.register(HostFacts(identity: "host-1", name: "x")) },
            ] {
                let error = await #expect(throws: CloudError.self) { try await attempt() }
                #expect(error?.message.contains("was removed from the cell") == true)
            }
            #expect(try await cloud.register(HostFacts(identity: "new", name: "host-1")) == 2)
        }
    }

    @Test("begins only where the clocks agree")
    func skew() async throws {
        try await TestCloud.with { cloud in
            let register = RegisterHost(
                facts: HostFacts(identity: "b", name: "b"), owner: "x",
                databaseNowMs: cloud.clock.nowMs - 6000)
            let error = await #expect(throws: CloudError.self) {
                try await register.run(in: cloud.database, HostClaim(), clock: cloud.clock)
            }
            #expect(error?.message.contains("6000 ms ahead of the database's") == true)
        }
    }

    @Test("lets a worker have its own host's jobs, machines, network and orphans alone")
    func apart() async throws {
        try await TestCloud.with(capacity: Capacity(vcpus: 1)) { cloud in
            let hosts = try await cloud.secondHost()
            for _ in 0..<2 { _ = try await cloud.create() }
            try await cloud.work()
            #expect(await cloud.host.running.count == 1)
            #expect(await hosts.host.running.isEmpty)
            try await hosts.worker.runDueJobs()
            #expect(await hosts.host.running.count == 1)
            let (first, second) = (await cloud.host.plan.attachments, await hosts.host.plan.attachments)
            #expect(first.count == 1 && second.count == 1 && first != second)
            await hosts.host.putDisk(77, storageGb: 1)
            try await cloud.supervise()
            let orphans = try await cloud.database.read { sql in try sql.hosts.orphans(2) }
            #expect(orphans.isEmpty, "the first host's supervisor does not look there")
            #expect(try await cloud.state("1") == "RUNNING")
            #expect(try await cloud.state("2") == "RUNNING")
        }
    }

    @Test("ends after 30 seconds of silence as others see it: computes say HOST_DOWN and keep their state")
    func down() async throws {
        try await TestCloud.with(capacity: Capacity(vcpus: 1)) { cloud in
            let hosts = try await cloud.secondHost()
            for _ in 0..<2 { _ = try await cloud.create() }
            try await cloud.work()
            try await hosts.worker.runDueJobs()
            let away = try await cloud.database.read { sql in
                try sql.query("SELECT id FROM computes WHERE host_id = 2")[0].int("id")
            }
            cloud.clock.advance(milliseconds: HostHeartbeat.downAfterMs)
            #expect(try await cloud.failureShown("\(away)") == nil)
            cloud.clock.advance(milliseconds: 1)
            #expect(try await cloud.failureShown("\(away)") == "HOST_DOWN")
            #expect(try await cloud.state("\(away)") == "RUNNING")
            #expect(try await cloud.failureShown("\(3 - away)") == nil, "the other host is alive")
            let listed = try await cloud.send(.get, "/computes").data?.array ?? []
            #expect(listed.compactMap { $0["failure"]?["code"]?.string } == ["HOST_DOWN"])
            let refused = try await cloud.create()
            #expect(refused.status == 422)
            #expect(
                refused.json["message"]?.string?.contains("1 host: down, vCPUs; 1 host: vCPUs") == true,
                "\(refused.text)")
            try await hosts.beat()
            #expect(try await cloud.failureShown("\(away)") == nil)
        }
    }
}

@Suite("The cell's duty")
struct CellDutyTests {
    @Test("is one host's at a time, and another's once its time is over")
    func handedOver() async throws {
        try await TestCloud.with { cloud in
            let hosts = try await cloud.secondHost()
            let first = CellDuty(database: cloud.database, claim: cloud.claim, clock: cloud.clock)
            let second = CellDuty(database: cloud.database, claim: hosts.claim, clock: cloud.clock)
            #expect(try await first.isMine())
            #expect(try await !second.isMine())
            cloud.clock.advance(milliseconds: CellDuty.heldMs - 1)
            #expect(try await !second.isMine())
            #expect(try await first.isMine(), "who has it keeps it")
            cloud.clock.advance(milliseconds: CellDuty.heldMs)
            #expect(try await second.isMine())
            #expect(try await !first.isMine())
        }
    }

    @Test("is asked for without a write as long as half of its time is left")
    func cheap() async throws {
        try await TestCloud.with { cloud in
            let duty = CellDuty(database: cloud.database, claim: cloud.claim, clock: cloud.clock)
            let first = try await duty.isMine()
            let writes = cloud.database.writes
            cloud.clock.advance(milliseconds: CellDuty.heldMs / 2 - 1)
            let second = try await duty.isMine()
            #expect(first && second)
            #expect(cloud.database.writes == writes)
        }
    }
}

/// Another host of a cloud, with its worker.
private struct SecondHost: Sendable {
    let host: SimulatedHost
    let claim: HostClaim
    let worker: Worker
    let cloud: TestCloud

    func beat() async throws {
        try await Heartbeat(
            database: cloud.database, claim: claim, clock: cloud.clock, logger: TestCloud.silent
        ).beat()
    }
}

extension TestCloud {
    fileprivate static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    fileprivate func beat() async throws {
        try await Heartbeat(database: database, claim: claim, clock: clock, logger: Self.silent).beat()
    }

    @discardableResult
    fileprivate func register(_ facts: HostFacts, isOnlyHost: Bool = false) async throws -> Int64 {
        try await RegisterHost(facts: facts, isOnlyHost: isOnlyHost, owner: "x").run(
            in: database, HostClaim(), clock: clock)
    }

    /// A worker that takes the cloud's host over.
    fileprivate func second() async throws -> Worker {
        let claim = HostClaim()
        try await RegisterHost(facts: HostFacts(identity: "host-1", name: "host-1"), owner: "second").run(
            in: database, claim, clock: clock)
        return worker(host, claim, "second")
    }

    /// A host of one vCPU beside the cloud's own.
    fileprivate func secondHost() async throws -> SecondHost {
        let host = SimulatedHost()
        let claim = HostClaim()
        try await RegisterHost(
            facts: HostFacts(identity: "host-2", name: "host-2", capacity: Capacity(vcpus: 1)),
            owner: "second"
        ).run(in: database, claim, clock: clock)
        return SecondHost(host: host, claim: claim, worker: worker(host, claim, "second"), cloud: self)
    }

    private func worker(_ host: SimulatedHost, _ claim: HostClaim, _ owner: String) -> Worker {
        Worker(
            database: database, host: host, claim: claim, catalogue: .test, clock: clock, wake: Wake(),
            bootSlots: 2, stopGrace: .seconds(60), owner: owner, logger: Self.silent, jitter: { 0 })
    }

    fileprivate func failureShown(_ id: String) async throws -> String? {
        try await send(.get, "/computes/\(id)").data?["failure"]?["code"]?.string
    }
}

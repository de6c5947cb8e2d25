import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
import CloudTesting
import Synchronization
import Testing

@testable import CloudWorker

@Suite("A host that was evacuated")
struct EvacuatedHostTests {
    @Test("takes the host from a worker that lives after all: it saves nothing, and what it does ends")
    func lateWorker() async throws {
        try await LostHost.with { cell in
            _ = try await cell.cloud.create()
            try await cell.a.settle()
            _ = try await cell.cloud.act(.reboot, on: "1")
            try await cell.lose(cell.a)
            _ = try await cell.evacuate("a")
            for attempt in [cell.a.worker.runDueJobs, cell.a.supervisor.look, cell.a.beat] {
                let error = await #expect(throws: CloudError.self) { try await attempt() }
                #expect(error == cell.a.claim.loss)
                #expect(error?.message.contains("evacuated the host 'a'") == true)
            }
            #expect(await cell.a.host.running == [1], "it leaves the machine alone")
            try await cell.b.settle()
            #expect(try await cell.cloud.state("1") == "RUNNING")
        }
    }

    @Test(
        "is undone by nobody who comes back: guests end before anything else, and the disk stays the other's")
    func comesBack() async throws {
        try await LostHost.with { cell in
            for _ in 0..<2 { _ = try await cell.cloud.create() }
            try await cell.a.settle()
            try await cell.lose(cell.a)
            _ = try await cell.evacuate("a")
            try await cell.b.settle()
            let back = try await cell.comeBack()
            let applied = await back.host.calls[.applyNetwork]
            await back.host.set(visit: { operation, id in
                let (now, adopted) = (await back.host.calls[.applyNetwork], await cell.owner(of: id))
                #expect(operation == .vacate && now == applied && adopted != "a")
            })
            try await back.worker.start()
            await back.host.set(visit: { _, _ in })
            #expect(await back.host.running == [])
            #expect(await back.host.seeds == [:])
            #expect(await back.host.plan.attachments == [])
            cell.cloud.clock.advance(milliseconds: 3_600_000)
            for _ in 0..<3 { try await back.settle() }
            #expect(await back.host.inventory() == [:])
            #expect(await cell.b.host.disks == [1, 2])
            #expect(try await cell.cellEvents().filter { $0.hasPrefix("host.orphan") } == [])
        }
    }

    @Test("ends what could not be ended at the first attempt within seconds")
    func endsLater() async throws {
        try await LostHost.with { cell in
            _ = try await cell.cloud.create()
            try await cell.a.settle()
            try await cell.lose(cell.a)
            _ = try await cell.evacuate("a")
            let back = try await cell.comeBack()
            await back.host.set(fault: { operation, _ in
                if operation == .vacate { throw CloudError(.serviceUnavailable, "planted") }
            })
            try await back.worker.start()
            #expect(await back.host.running == [1])
            await back.host.set(fault: { _, _ in })
            try await back.supervisor.look()
            #expect(await back.host.running == [])
        }
    }

    @Test("is stopped by a host that comes back meanwhile")
    func backMeanwhile() async throws {
        let count = EvacuateHost.maxTogether + 1
        try await LostHost.with { cell in
            for _ in 0..<count { _ = try await cell.cloud.create() }
            try await cell.a.settle()
            try await cell.lose(cell.a)
            var meddled = cell.cloud.cloud
            meddled.database = MeddlingDatabase(
                database: cell.cloud.database, name: .evacuateComputes, visit: 2
            ) {
                _ = try await cell.comeBack()
            }
            let cloud = meddled
            let error = await #expect(throws: CloudError.self) {
                try await EvacuateHost(name: "a", isFenced: true).run(in: cloud)
            }
            #expect(error?.code == .conflict)
            #expect(try await cell.hosts().map(\.taken.vcpus) == [1, count - 1, 0])
        }
    }

    @Test("needs the disks where the host said that they are: its store can't change while it has computes")
    func storeChanges() async throws {
        try await LostHost.with { cell in
            _ = try await cell.cloud.create()
            for store in ["other", nil] {
                let error = await #expect(throws: CloudError.self) { try await cell.comeBack(store: store) }
                #expect(error?.problems.first?.field == "disks")
            }
            try await cell.a.settle()
            _ = try await cell.cloud.act(.delete, on: "1")
            try await cell.a.settle()
            _ = try await cell.comeBack(store: "other")
            #expect(try await cell.hosts().map(\.store) == ["other", "s", nil])
        }
    }
}

/// A database before one of whose writes something else happens.
private final class MeddlingDatabase: Database {
    private let database: any Database
    private let name: DurableWrite
    private let visit: Int
    private let body: @Sendable () async throws -> Void
    private let visits = Mutex(0)

    /// - Parameter visit: before which of the writes of that name, the first being 1.
    init(
        database: any Database, name: DurableWrite, visit: Int,
        _ body: @escaping @Sendable () async throws -> Void
    ) {
        (self.database, self.name, self.visit, self.body) = (database, name, visit, body)
    }

    var changes: Changes { database.changes }

    func read<T: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> T) async throws -> T {
        try await database.read(body)
    }

    func write<T: Sendable>(
        _ name: DurableWrite, _ body: @escaping @Sendable (any SQLConnection) throws -> T
    ) async throws -> T {
        if name == self.name {
            let number = visits.withLock { visits in
                visits += 1
                return visits
            }
            if number == visit { try await self.body() }
        }
        return try await database.write(name, body)
    }
}

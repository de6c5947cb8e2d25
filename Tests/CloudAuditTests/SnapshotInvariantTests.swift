import CloudAudit
import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
import CloudTesting
import Testing

/// What somebody did to a cell with one compute that runs, 1, and a snapshot of it, 2, that is READY.
struct SnapshotDamage: Sendable, CustomTestStringConvertible {
    var name: String
    var statements: [String] = []
    var host: @Sendable (SimulatedHost) async throws -> Void = { _ in }
    var findings: [String]

    var testDescription: String { name }

    init(_ name: String, _ statements: String..., findings: String...) {
        (self.name, self.statements, self.findings) = (name, statements, findings)
    }

    init(
        _ name: String, findings: String..., host: @escaping @Sendable (SimulatedHost) async throws -> Void
    ) {
        (self.name, self.findings, self.host) = (name, findings, host)
    }
}

@Suite("What the audit promises of snapshots")
struct SnapshotInvariantTests {
    static let damages = [
        SnapshotDamage("its file is gone", findings: "snapshot") { await $0.loseSnapshot(2) },
        SnapshotDamage("one of nobody", findings: "no-orphans") { try await $0.plant(99) },
        SnapshotDamage(
            "its job is lost", "DELETE FROM jobs WHERE resource_id = 2", findings: "one-job", "no-orphans"),
        SnapshotDamage(
            "it is READY and is to be erased",
            "UPDATE jobs SET action = 'cleanUp', step = 'erase' WHERE resource_id = 2",
            findings: "state-fits-step", "nothing-is-stuck"),
        SnapshotDamage(
            "it is on another host than its job",
            "INSERT INTO hosts (id, name, state, epoch) SELECT 9, 'other', 'CORDONED', 0",
            "UPDATE jobs SET host_id = 9 WHERE resource_id = 2", findings: "state-fits-step"),
        SnapshotDamage(
            "it is due, and nobody works on it", "UPDATE jobs SET due_at_ms = 1 WHERE resource_id = 2",
            findings: "nothing-is-stuck"),
        SnapshotDamage(
            "its meter has ended", "UPDATE meters SET ended_at_ms = began_at_ms + 1 WHERE resource_id = 2",
            findings: "meter-follows-state 2"),
        SnapshotDamage(
            "it has no meter", "DELETE FROM meter_prices WHERE resource_id = 2",
            "DELETE FROM meters WHERE resource_id = 2", findings: "meter-follows-state 2"),
        SnapshotDamage(
            "its price is another", "UPDATE meter_prices SET hour_milli_rwf = 7 WHERE resource_id = 2",
            findings: "price-is-the-catalogues 2"),
        SnapshotDamage(
            "nobody asked for it", "UPDATE events SET kind = 'snapshot.seen' WHERE kind = 'snapshot.created'",
            findings: "state-has-its-event"),
        SnapshotDamage(
            "its compute waits for it in vain", "UPDATE jobs SET waits_for = 2 WHERE resource_id = 1",
            findings: "nothing-is-stuck 1"),
    ]

    @Test("a snapshot in each of its states is as promised")
    func calm() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            await cloud.host.set(copyLooks: 2)
            let snapshot = try await cloud.beginSnapshot(of: id)
            var states: Set<SnapshotState> = []
            for _ in 0..<10 {
                if let state = try await cloud.snapshot(snapshot)?.state { states.insert(state) }
                #expect(try await cloud.findings() == [])
                try await cloud.work()
                cloud.clock.advance(milliseconds: 250)
            }
            try await cloud.deleteSnapshot(snapshot)
            #expect(try await cloud.findings() == [])
            if let state = try await cloud.snapshot(snapshot)?.state { states.insert(state) }
            try await cloud.settle()
            #expect(try await cloud.findings() == [])
            #expect(states == [.taking, .ready, .deleting])
        }
    }

    @Test("each of these breaks it in one place", arguments: damages)
    func damaged(_ damage: SnapshotDamage) async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            let snapshot = try await cloud.readySnapshot(of: id)
            #expect(snapshot == 2)
            #expect(try await cloud.findings() == [])
            cloud.clock.advance(milliseconds: 400_000)
            try await cloud.beat()
            try await cloud.vandalize(damage.statements)
            try await damage.host(cloud.host)
            #expect(try await cloud.findings() == damage.findings)
        }
    }
}

extension SimulatedHost {
    /// Leaves a snapshot of machine 1 that no row stands for.
    fileprivate func plant(_ id: Int64) async throws {
        let machine = try #require(seeds[1])
        let snapshot = DiskSnapshot(id: id, machineId: 1, createdAtMs: 0)
        while case .copying = try await takeSnapshot(snapshot, of: machine) {}
    }
}

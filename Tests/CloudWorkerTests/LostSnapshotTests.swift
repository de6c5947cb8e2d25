import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
import CloudTesting
import Testing

@testable import CloudWorker

/// Computes are 1, and snapshots 2, one READY or FAILED on host a, which shares its disks with host b.
@Suite("Snapshots of a lost host")
struct LostSnapshotTests {
    @Test("an evacuation gives them to a host that reaches their folder, where they can be used and deleted")
    func evacuated() async throws {
        try await LostHost.with { cell in
            let cloud = cell.cloud
            let id = try await cell.computeOnA()
            let snapshot = try await cloud.beginSnapshot(of: id)
            try await cell.a.settle()
            try await cell.lose(cell.a)
            _ = try await cell.evacuate("a")
            try await cell.b.settle()
            #expect(try await cloud.snapshot(snapshot)?.hostId == cell.b.id)
            try await cloud.restore(id, from: snapshot)
            try await cell.b.settle()
            #expect(try await cloud.state(id) == "RUNNING")
            try await cloud.deleteSnapshot(snapshot)
            try await cell.b.settle()
            #expect(try await cloud.snapshot(snapshot)?.state == .deleted)
            #expect(await cell.b.host.snapshotIds() == [])
        }
    }

    @Test(
        "one of which nothing is left is DELETED at once, and keeps neither host nor team from being removed")
    func failed() async throws {
        try await LostHost.with { cell in
            let cloud = cell.cloud
            let id = try await cell.computeOnA()
            await cell.a.host.set(snapshotFailure: "the guest ended meanwhile")
            let snapshot = try await cloud.beginSnapshot(of: id)
            try await cell.a.settle()
            let failed = try await cloud.snapshot(snapshot)
            #expect(failed?.state == .failed && failed?.job.action == .gone)
            try await cell.lose(cell.a)
            _ = try await cell.evacuate("a")
            try await cell.b.settle()
            let hostOfJob = try await cloud.database.read { sql in
                try sql.query("SELECT host_id FROM jobs WHERE resource_id = $1", [snapshot])[0].int("host_id")
            }
            #expect(try await cloud.snapshot(snapshot)?.hostId == hostOfJob, "row and job are on one host")
            #expect(
                try await ChangeHost(name: "a", change: .remove).run(in: cloud.cloud).host.state == .removed)
            try await cloud.deleteSnapshot(snapshot)
            #expect(try await cloud.snapshot(snapshot)?.state == .deleted)
            #expect(
                try await cloud.kinds(snapshot) == [
                    "snapshot.created", "snapshot.failed", "snapshot.delete.requested", "snapshot.deleted",
                ])
        }
    }

    @Test("a host that has snapshots is not removed, nor are its disks looked for elsewhere")
    func left() async throws {
        try await LostHost.with { cell in
            let cloud = cell.cloud
            let id = try await cell.computeOnA()
            _ = try await cloud.beginSnapshot(of: id)
            try await cell.a.settle()
            _ = try await cloud.act(.delete, on: id)
            try await cell.a.settle()
            let kept = await #expect(throws: CloudError.self) {
                try await ChangeHost(name: "a", change: .remove).run(in: cloud.cloud)
            }
            #expect(kept?.message.contains("has snapshots left: before (2)") == true)
            let moved = await #expect(throws: CloudError.self) {
                try await RegisterHost(
                    facts: HostFacts(identity: "a", name: "a", store: "another"), owner: "a"
                ).run(in: cloud.database, HostClaim(), clock: cloud.clock)
            }
            #expect(moved?.problems.map(\.field) == ["disks"])
        }
    }
}

extension LostHost {
    /// A compute that runs on host a. Returns its id.
    fileprivate func computeOnA() async throws -> String {
        let answer = try await cloud.create()
        try await a.settle()
        return try #require(answer.data?["id"]?.string)
    }
}

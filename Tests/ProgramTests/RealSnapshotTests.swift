import CloudClient
import CloudCore
import CloudMachines
import CloudTesting
import CloudWire
import Foundation
import Testing

/// What a user does with snapshots, with guests that really boot, while the server is killed in the midst of it.
@Suite(
    "Snapshots of a real guest, by the program", .serialized,
    .enabled(if: RealCloud.isRoot, "bridges need root"))
struct RealSnapshotTests {
    @Test(
        "what was written before a snapshot is there after a restore and in a compute made of it, and nothing else"
    )
    func story() async throws {
        try await RealCloud.with { cloud in
            let clean = try await cloud.leftovers()
            let asked = try cloud.request("web")
            let id = try await cloud.client {
                try await $0.createCompute(asked, idempotencyKey: UUID())
            }.data.id
            let compute = try await cloud.wait(id, until: "RUNNING")
            _ = try await cloud.ssh(compute, "echo before >/root/before; sync")
            try await cloud.kill(amid: "snapshot", "create", id, "first")
            try await cloud.strettch("snapshot", "wait", "2")
            let snapshot = try await cloud.client { try await $0.snapshot(id: "2") }.data
            #expect(snapshot.state == "READY" && snapshot.consistency == "CRASH")
            #expect(
                try #require(snapshot.sizeBytes) < 200 << 20, "what was written, and not the disk's 10 GiB")
            _ = try await cloud.ssh(compute, "echo after >/root/after; sync")

            try await cloud.kill(amid: "compute", "restore", id, "--snapshot", "2", "--yes")
            let restored = try await cloud.wait(id, until: "RUNNING")
            #expect(try await cloud.ssh(restored, Self.look) == "before\n1")
            #expect(restored.ipv4 == compute.ipv4)
            #expect(try cloud.disks(id) == ["disk.qcow2"], "the disk that was kept is gone")

            var request = try cloud.request("copy")
            (request.image, request.snapshot) = (nil, "2")
            let copyId = try await cloud.client { [request] in
                try await $0.createCompute(request, idempotencyKey: UUID())
            }.data.id
            let copy = try await cloud.wait(copyId, until: "RUNNING")
            #expect(try await cloud.ssh(copy, Self.look) == "before\n1")

            try await cloud.strettch("snapshot", "delete", "2", "--yes", "--wait")
            for id in [id, copyId] { try await cloud.strettch("compute", "delete", id, "--yes", "--wait") }
            #expect(try await cloud.leftovers() == clean)
            #expect(try FileManager.default.contentsOfDirectory(atPath: "\(cloud.data)/snapshots").isEmpty)
        }
    }

    /// What was written before the snapshot, and whether what came after it is not there.
    private static let look = "cat /root/before; test -e /root/after; echo $?"
}

extension RealCloud {
    /// Runs the program, kills the server as soon as it is answered, and starts it again.
    fileprivate func kill(amid arguments: String...) async throws {
        let command = inside(program, arguments)
        _ = try await Command("env", environment + [command.program] + command.arguments).run()
        try await end(SIGKILL)
        try await start()
    }

    /// The names of the machine's disks: one, unless a restore keeps another.
    fileprivate func disks(_ id: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "\(data)/machines/\(id)").filter {
            $0.hasPrefix("disk.qcow2") && !$0.hasSuffix(".json")
        }
    }
}

import CloudClient
import CloudMachines
import CloudTesting
import CloudWire
import Foundation
import Synchronization
import Testing

/// A restore into a fleet that really runs. Root is needed for bridges.
@Suite("A restore beside real guests", .serialized, .enabled(if: RealCloud.isRoot, "bridges need root"))
struct RealRestoreTests {
    @Test(
        "keeps guests that both know, cuts off those made since, tells of those deleted since, and gives no id twice"
    )
    func fleet() async throws {
        try await RealCloud.with { cloud in
            let clean = try await cloud.leftovers()
            let one = try await cloud.createRunning("one")
            let two = try await cloud.createRunning("two")
            try await cloud.backUpUnderLoad("\(cloud.folder)/backup", changing: one.id)

            let three = try await cloud.createRunning("three")
            try await cloud.strettch("compute", "delete", two.id, "--yes", "--wait")
            let pids = (one: try cloud.pid(one), three: try cloud.pid(three))
            let refused = await #expect(throws: (any Error).self) {
                try await cloud.strettch(
                    "admin", "restore", "\(cloud.folder)/backup", "--yes", "--data", cloud.data)
            }
            #expect("\(refused.map { "\($0)" } ?? "")".contains("works on \(cloud.data)"))
            try await cloud.end(SIGKILL)
            let text = try await cloud.strettch(
                "admin", "restore", "\(cloud.folder)/backup", "--yes", "--json", "--data",
                cloud.data)
            let said = try JSONDecoder().decode(Said.self, from: Data(text.utf8))
            #expect(said.orphans == [three.id] && said.withoutDisk == [two.id] && said.running.isEmpty)
            #expect(said.since.createdComputes == [three.id] && said.since.deletedComputes == [two.id])
            #expect(said.since.idempotencyKeys > 0 && said.since.firstEventId != nil)
            #expect(FileManager.default.fileExists(atPath: said.kept))
            try await cloud.start()

            // In both: the same process, reached as before.
            #expect(try cloud.pid(one) == pids.one && RealCloud.isAlive(pids.one))
            #expect(try await cloud.ssh(one, "hostname") == "one")
            // Deleted since: gone from the host, which its owner is told once, whatever he does.
            _ = try await cloud.stopped(two.id, code: "GUEST_CRASHED", "DISK_LOST")
            try await cloud.client { _ = try await $0.startCompute(id: two.id) }
            _ = try await cloud.stopped(two.id, code: "DISK_LOST")
            // Made since: unknown, and alone, although its process goes on.
            let unknown = await #expect(throws: ClientError.self) {
                try await cloud.client { try await $0.compute(id: three.id) }
            }
            #expect(unknown?.status == 404)
            #expect(RealCloud.isAlive(pids.three))
            let links = try await cloud.inside("ip", ["-br", "link"]).run().standardOutput
            let names = links.split(separator: "\n").compactMap { $0.split(separator: " ").first }
            #expect(names.contains { $0.hasSuffix("-t\(one.id)") })
            #expect(!names.contains { $0.hasSuffix("-t\(three.id)") }, "the orphan's tap is gone")

            // A new one gets an id of its own, and reaches its owner at the address that the orphan thinks it has.
            let four = try await cloud.createRunning("four")
            #expect(Int(four.id) == 4)
            #expect(four.privateIpv4 == three.privateIpv4)
            #expect(try await cloud.ssh(four, "hostname") == "four")
            let told = try await cloud.client { try await $0.auditLog(limit: 50) }.data
            #expect(told.contains { $0.kind == "team.restored" && $0.detail?.contains("are lost") == true })

            for id in [one.id, two.id, four.id] {
                try await cloud.strettch("compute", "delete", id, "--yes", "--wait")
            }
            #expect(try await cloud.leftovers() == clean)
            #expect(try await cloud.guests() == [pids.three], "the orphan is all that is left")
        }
    }
}

/// What clients do that write without a pause.
private final class Load: Sendable {
    private let state = Mutex((isOver: false, writes: 0))

    var isOver: Bool { state.withLock { $0.isOver } }
    var writes: Int { state.withLock { $0.writes } }
    func count() { state.withLock { $0.writes += 1 } }
    func end() { state.withLock { $0.isOver = true } }
}

/// What `admin restore --json` says, as far as this test looks at it.
private struct Said: Decodable {
    struct Since: Decodable {
        var createdComputes: [String]
        var deletedComputes: [String]
        var firstEventId: String?
        var idempotencyKeys: Int
    }
    var kept: String
    var since: Since
    var orphans: [String]
    var withoutDisk: [String]
    var running: [String]
}

extension RealCloud {
    fileprivate func createRunning(_ name: String) async throws -> ComputeWire {
        let request = try request(name, withPublicIp: false)
        let id = try await client { try await $0.createCompute(request, idempotencyKey: UUID()) }.data.id
        return try await wait(id, until: "RUNNING")
    }

    fileprivate func pid(_ compute: ComputeWire) throws -> pid_t {
        let text = try String(contentsOfFile: "\(data)/machines/\(compute.id)/pid", encoding: .utf8)
        guard let pid = pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw TestFailure("no pid in '\(text)'")
        }
        return pid
    }

    /// Backs up while four clients write without a pause, and expects that they go on meanwhile.
    fileprivate func backUpUnderLoad(_ file: String, changing id: String) async throws {
        let load = Load()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<4 {
                group.addTask {
                    while !load.isOver {
                        let writes = load.writes
                        _ = try await client {
                            try await $0.updateCompute(
                                id: id, UpdateComputeWire(tags: ["load-\(writer)-\(writes)"]))
                        }
                        load.count()
                    }
                }
            }
            try await eventually("the clients write") { load.writes > 4 }
            let before = load.writes
            try await strettch("admin", "backup", file, "--data", data)
            #expect(load.writes > before, "the backup blocks no writer")
            load.end()
            try await group.waitForAll()
        }
    }

    /// Waits until the compute is STOPPED with nothing under way, for one of these reasons.
    fileprivate func stopped(_ id: String, code codes: String...) async throws -> ComputeWire {
        var last: ComputeWire?
        try await eventually("compute \(id) is STOPPED", within: .seconds(30)) {
            let compute = try await client { try await $0.compute(id: id) }.data
            last = compute
            return compute.state == "STOPPED" && compute.task == nil
                && codes.contains(compute.failure?.code ?? "")
        }
        guard let last else { throw TestFailure("no compute") }
        return last
    }
}

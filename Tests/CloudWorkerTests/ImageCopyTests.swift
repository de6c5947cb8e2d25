import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
import CloudTesting
import Testing

@testable import CloudWorker

/// The image is 3, of snapshot 2 of compute 1, and on host a, which shares its disks with host b; c has its own.
@Suite("Images of teams' own on several hosts")
struct ImageCopyTests {
    @Test("another host fetches it, and removes its copy within a look once the image is deleted")
    func copies() async throws {
        try await LostHost.with { cell in
            try await cell.makeImage()
            cell.c.host.set(peers: [cell.a.host])
            try await cell.use(cell.c)
            let copy = try await cell.compute("golden", on: cell.c)
            #expect(try await cell.cloud.state(copy) == "RUNNING")
            #expect(await cell.c.host.imageIds() == [3])
            _ = try await cell.cloud.act(.delete, on: copy)
            try await cell.c.settle()
            #expect(await cell.c.host.imageIds() == [3], "it may serve again")
            try await cell.cloud.deleteImage(3)
            try await cell.a.settle()
            #expect(try await cell.cloud.image(3)?.state == .deleted)
            cell.cloud.clock.advance(milliseconds: DriftWatch.intervalMs)
            try await cell.c.settle()
            #expect(await cell.c.host.imageIds() == [])
            #expect(try await cell.cellEvents().filter { $0.hasPrefix("host.orphan") } == [])
        }
    }

    @Test("one that can't be fetched fails the create with a reason")
    func unreachable() async throws {
        try await LostHost.with { cell in
            try await cell.makeImage()
            try await cell.use(cell.c)
            _ = try await cell.compute("golden", on: cell.c)
            let compute = try #require(try await cell.computes().last)
            #expect(compute.state == .failed && compute.failure?.code == .imageUnavailable)
        }
    }

    @Test("one that no row stands for is an orphan, and goes after the grace period")
    func orphan() async throws {
        try await LostHost.with { cell in
            let stray = ImageOnHost(id: 77, createdAtMs: 5)
            _ = try await cell.c.host.makeImage(
                stray, of: .url("https://a.example", ImageFile(.raw, sha256: nil)))
            try await cell.c.settle()
            #expect(await cell.c.host.imageIds() == [77])
            for _ in 0..<2 {
                cell.cloud.clock.advance(milliseconds: 86_400_000)
                try await cell.c.settle()
            }
            #expect(await cell.c.host.imageIds() == [])
            #expect(
                try await cell.cellEvents().filter { $0.hasPrefix("host.orphan") }
                    == ["host.orphan.found", "host.orphan.gone"])
        }
    }

    @Test("an evacuation gives it to a host that reaches its folder")
    func shared() async throws {
        try await LostHost.with { cell in
            try await cell.makeImage()
            try await cell.lose(cell.a)
            _ = try await cell.evacuate("a")
            try await cell.b.settle()
            #expect(try await cell.cloud.image(3)?.hostId == cell.b.id)
            try await cell.use(cell.b)
            #expect(try await cell.cloud.state(try await cell.compute("golden", on: cell.b)) == "RUNNING")
        }
    }

    @Test("an evacuation gives one of a host with disks of its own to another that has a copy")
    func copied() async throws {
        try await LostHost.with { cell in
            try await cell.use(cell.c)
            try await cell.makeImage(on: cell.c)
            cell.b.host.set(peers: [cell.c.host])
            try await cell.use(cell.b)
            _ = try await cell.compute("golden", on: cell.b)
            try await cell.lose(cell.c)
            _ = try await cell.evacuate("c")
            let image = try #require(try await cell.cloud.image(3))
            #expect(image.state == .ready && image.hostId == cell.b.id)
        }
    }

    @Test("one that no other host has is FAILED then, and can be deleted without its host")
    func lost() async throws {
        try await LostHost.with { cell in
            try await cell.use(cell.c)
            try await cell.makeImage(on: cell.c)
            try await cell.lose(cell.c)
            _ = try await cell.evacuate("c")
            let image = try #require(try await cell.cloud.image(3))
            #expect(image.state == .failed && image.failure?.message.contains("host was lost") == true)
            #expect(image.job.action == .gone)
            let meter = try await cell.cloud.database.read { sql in try sql.meters.get(3) }
            #expect(meter?.isOpen == false)
            try await cell.cloud.deleteImage(3)
            #expect(try await cell.cloud.image(3)?.state == .deleted)
        }
    }

    @Test("neither a host nor a team that has images is removed, and the refusal names them")
    func kept() async throws {
        try await LostHost.with { cell in
            try await cell.makeImage()
            _ = try await cell.cloud.act(.delete, on: "1")
            try await cell.a.settle()
            try await cell.cloud.deleteSnapshot(2)
            try await cell.a.settle()
            let host = await #expect(throws: CloudError.self) {
                try await ChangeHost(name: "a", change: .remove).run(in: cell.cloud.cloud)
            }
            #expect(host?.message.contains("has images left: golden (3)") == true)
            let team = await #expect(throws: CloudError.self) {
                try await DeleteTeam(teamId: 1).run(in: cell.cloud.cloud)
            }
            #expect(team?.message.contains("has images left: golden (3)") == true)
        }
    }
}

extension LostHost {
    /// Makes the image on the host, which takes new computes.
    fileprivate func makeImage(on host: NeighbourHost? = nil) async throws {
        let host = host ?? a
        let id = try await compute("TINY-1", on: host)
        let snapshot = try await cloud.beginSnapshot(of: id)
        try await host.settle()
        let image = try await cloud.beginImage(of: .snapshot(id: snapshot))
        try await host.settle()
        #expect(image == 3)
        #expect(try await cloud.image(3)?.state == .ready)
    }

    /// Creates a compute, and lets the host do all that is due. Returns its id.
    fileprivate func compute(_ image: String, on host: NeighbourHost) async throws -> String {
        let answer = try await cloud.create(TestCloud.body(image: "\"\(image)\""))
        try await host.settle()
        return try #require(answer.data?["id"]?.string, "\(answer.text)")
    }
}

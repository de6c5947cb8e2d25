import CloudAudit
import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
import CloudTesting
import Testing

/// What somebody did to a cell with an image, 3, of snapshot 2 of compute 1, over which the disk of compute 4 lies.
@Suite("What the audit promises of images")
struct ImageInvariantTests {
    static let damages = [
        SnapshotDamage("its folder is gone", findings: "image") { await $0.loseImage(3) },
        SnapshotDamage("one of nobody", findings: "no-orphans") { host in
            let file = ImageFile(.raw, sha256: nil)
            _ = try await host.makeImage(
                ImageOnHost(id: 99, createdAtMs: 0), of: .url("https://a.example", file))
        },
        SnapshotDamage(
            "its job is lost", "DELETE FROM jobs WHERE resource_id = 3", findings: "one-job", "no-orphans"),
        SnapshotDamage(
            "it is READY and is to be erased",
            "UPDATE jobs SET action = 'cleanUp', step = 'erase' WHERE resource_id = 3",
            findings: "state-fits-step", "nothing-is-stuck"),
        SnapshotDamage(
            "it is on another host than its job",
            "INSERT INTO hosts (id, name, state, epoch) SELECT 9, 'other', 'CORDONED', 0",
            "UPDATE jobs SET host_id = 9 WHERE resource_id = 3", findings: "state-fits-step"),
        SnapshotDamage(
            "it is due, and nobody works on it", "UPDATE jobs SET due_at_ms = 1 WHERE resource_id = 3",
            findings: "nothing-is-stuck"),
        SnapshotDamage(
            "a disk lies over it, and it is being deleted",
            "UPDATE images SET state = 'DELETING' WHERE id = 3",
            "UPDATE jobs SET action = 'delete' WHERE resource_id = 3",
            "UPDATE meters SET ended_at_ms = 4102444800000 WHERE resource_id = 3",
            findings: "nothing-is-stuck", "image"),
        SnapshotDamage(
            "its meter has ended", "UPDATE meters SET ended_at_ms = began_at_ms + 1 WHERE resource_id = 3",
            findings: "meter-follows-state 3"),
        SnapshotDamage(
            "it has no meter", "DELETE FROM meter_prices WHERE resource_id = 3",
            "DELETE FROM meters WHERE resource_id = 3", findings: "meter-follows-state 3"),
        SnapshotDamage(
            "its price is another", "UPDATE meter_prices SET hour_milli_rwf = 7 WHERE resource_id = 3",
            findings: "price-is-the-catalogues 3"),
        SnapshotDamage(
            "nobody asked for it", "UPDATE events SET kind = 'image.seen' WHERE kind = 'image.created'",
            findings: "state-has-its-event"),
    ]

    @Test("an image in each of its states is as promised")
    func calm() async throws {
        try await TestCloud.with { cloud in
            await cloud.host.set(copyLooks: 2)
            let file = ImageFile(.raw, sha256: String(repeating: "a", count: 64))
            let image = try await cloud.beginImage(of: .upload(file, size: 9))
            #expect(try await cloud.findings() == [])
            var states: Set<TeamImageState> = [try #require(try await cloud.image(image)).state]
            try await cloud.work()
            try await cloud.upload(image, from: 0, count: 9)
            for _ in 0..<10 {
                if let state = try await cloud.image(image)?.state { states.insert(state) }
                #expect(try await cloud.findings() == [])
                try await cloud.work()
                cloud.clock.advance(milliseconds: 500)
            }
            try await cloud.deleteImage(image)
            #expect(try await cloud.findings() == [])
            if let state = try await cloud.image(image)?.state { states.insert(state) }
            try await cloud.settle()
            #expect(try await cloud.findings() == [])
            #expect(states == [.uploading, .preparing, .ready, .deleting])
        }
    }

    @Test("each of these breaks it in one place", arguments: damages)
    func damaged(_ damage: SnapshotDamage) async throws {
        try await TestCloud.with { cloud in
            let image = try await cloud.readyImage(of: try await cloud.createAndSettle())
            #expect(image == 3)
            _ = try await cloud.createAndSettle(TestCloud.body(image: "\"golden\""))
            #expect(try await cloud.findings() == [])
            cloud.clock.advance(milliseconds: 400_000)
            try await cloud.beat()
            try await cloud.vandalize(damage.statements)
            try await damage.host(cloud.host)
            #expect(try await cloud.findings() == damage.findings)
        }
    }
}

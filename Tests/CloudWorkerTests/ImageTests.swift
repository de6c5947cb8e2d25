import CloudControl
import CloudCore
import CloudDatabase
import CloudMachines
import CloudTesting
import Testing

@testable import CloudWorker

@Suite("Images of a team's own")
struct ImageTests {
    static let upload = ImageOrigin.upload(
        ImageFile(.raw, sha256: String(repeating: "a", count: 64)), size: 9)

    @Test("one of a snapshot is a whole by itself: disks of computes lie over it when the snapshot is gone")
    func ofSnapshot() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            await cloud.host.write(1)
            let content = await cloud.host.content(1)
            let image = try await cloud.readyImage(of: id)
            let row = try #require(try await cloud.image(image))
            #expect(row.state == .ready && row.made?.bytes == 20 << 20 && row.made?.virtualBytes == 20 << 30)
            #expect(try await cloud.kinds(image) == ["image.created", "image.ready"])
            try await cloud.deleteSnapshot(2)
            _ = try await cloud.act(.delete, on: id)
            try await cloud.settle()

            let copy = try await cloud.createAndSettle(TestCloud.body(image: "\"golden\""))
            #expect(try await cloud.state(copy) == "RUNNING")
            #expect(await cloud.host.content(4) == content)
            let made = try await cloud.database.read { sql in try sql.computes.get(4) }
            #expect(made?.image == "golden" && made?.imageId == image)
            let hosts = try await cloud.database.read { sql in try sql.hosts.images(1) }
            #expect(hosts == ["@3", "TINY-1"])
        }
    }

    @Test("a compute and its snapshots use it until they are gone, and then it can go")
    func users() async throws {
        try await TestCloud.with { cloud in
            let image = try await cloud.readyImage(of: try await cloud.createAndSettle())
            let copy = try await cloud.createAndSettle(TestCloud.body(image: "\"golden\""))
            let snapshot = try await cloud.readySnapshot(of: copy)
            let ofSnapshot = try await cloud.create(from: snapshot)
            try await cloud.settle()
            #expect(try await cloud.users(ofImage: image) == [4, ofSnapshot, snapshot])
            for id in [copy, "\(ofSnapshot)"] { _ = try await cloud.act(.delete, on: id) }
            try await cloud.settle()
            #expect(try await cloud.users(ofImage: image) == [snapshot])
            try await cloud.deleteSnapshot(snapshot)
            try await cloud.settle()
            #expect(try await cloud.users(ofImage: image) == [])
            try await cloud.deleteImage(image)
            try await cloud.settle()
            #expect(try await cloud.image(image)?.state == .deleted)
            #expect(await cloud.host.imageIds() == [])
            #expect(try await cloud.kinds(image).suffix(2) == ["image.delete.requested", "image.deleted"])
            #expect(try await cloud.database.read { sql in try sql.hosts.images(1) } == ["TINY-1"])
        }
    }

    @Test("a compute that is STOPPED can be started once the image of its disk is made")
    func ofCompute() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            _ = try await cloud.act(.stop, on: id)
            try await cloud.settle()
            await cloud.host.set(copyLooks: 3)
            let image = try await cloud.beginImage(of: .compute(id: 1))
            try await cloud.work()
            _ = try await cloud.act(.start, on: id)
            try await cloud.work()
            #expect(await cloud.host.running == [], "the image is being made")
            try await cloud.settle()
            #expect(try await cloud.image(image)?.state == .ready)
            #expect(try await cloud.state(id) == "RUNNING")
        }
    }

    @Test("an upload is PREPARING as soon as all of it has come, in whatever parts, and then READY")
    func uploaded() async throws {
        try await TestCloud.with { cloud in
            let image = try await cloud.beginImage(of: Self.upload)
            try await cloud.work()
            try await cloud.upload(image, from: 0, count: 5)
            try await cloud.work()
            #expect(try await cloud.image(image)?.state == .uploading)
            #expect(try await cloud.image(image)?.received == 5)
            let gap = await #expect(throws: CloudError.self) {
                try await cloud.upload(image, from: 7, count: 2)
            }
            #expect(gap?.code == .conflict && gap?.message.contains("5 bytes of the file are here") == true)
            try await cloud.upload(image, from: 3, count: 6)
            await cloud.host.set(copyLooks: 3)
            try await cloud.work()
            #expect(try await cloud.image(image)?.state == .preparing)
            try await cloud.settle()
            #expect(try await cloud.image(image)?.state == .ready)
        }
    }

    @Test("an upload of which not all has come within a day is FAILED, and leaves nothing")
    func uploadEnds() async throws {
        try await TestCloud.with { cloud in
            let image = try await cloud.beginImage(of: Self.upload)
            try await cloud.work()
            try await cloud.upload(image, from: 0, count: 5)
            cloud.clock.advance(milliseconds: 86_400_000)
            try await cloud.beat()
            try await cloud.settle()
            let row = try #require(try await cloud.image(image))
            #expect(row.state == .failed && row.failure?.code == .deadlineExceeded)
            #expect(row.failure?.message.contains("5 of 9 bytes") == true)
            #expect(await cloud.host.imageIds() == [])
        }
    }

    @Test("one that can't be made says why, leaves nothing and costs nothing")
    func fails() async throws {
        try await TestCloud.with { cloud in
            await cloud.host.set(imageFailure: "the server answers 404")
            let image = try await cloud.beginImage(
                of: .url("https://images.example/a.qcow2", ImageFile(.qcow2, sha256: nil)))
            try await cloud.settle()
            let row = try #require(try await cloud.image(image))
            #expect(row.state == .failed && row.failure?.code == .imageUnavailable)
            #expect(row.failure?.message == "The image could not be made: the server answers 404")
            let meter = try await cloud.database.read { sql in try sql.meters.get(image) }
            #expect(meter?.isOpen == false && meter?.beganAtMs == nil)
            try await cloud.deleteImage(image)
            #expect(try await cloud.image(image)?.state == .deleted, "its host is not needed")
        }
    }

    @Test("one that is deleted while it is made ends, and its compute goes on")
    func deletedAmid() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            _ = try await cloud.act(.stop, on: id)
            try await cloud.settle()
            await cloud.host.set(copyLooks: 1000)
            let image = try await cloud.beginImage(of: .compute(id: 1))
            try await cloud.work()
            _ = try await cloud.act(.start, on: id)
            try await cloud.deleteImage(image)
            try await cloud.settle()
            #expect(try await cloud.image(image)?.state == .deleted)
            #expect(try await cloud.state(id) == "RUNNING")
            #expect(await cloud.host.imageIds() == [])
        }
    }

    @Test("a fault before or after any effect is survived", arguments: SimulatedHost.Operation.images)
    func oneFault(_ operation: SimulatedHost.Operation) async throws {
        for moment in SimulatedHost.Moment.allCases {
            try await TestCloud.with { cloud in
                let faults = OneFault(operation, moment)
                await cloud.host.set(fault: { try faults.meet($0, $1) })
                let image = try await cloud.beginImage(of: Self.upload)
                try await cloud.work()
                if operation == .receiveImage {
                    await #expect(throws: CloudError.self) {
                        try await cloud.upload(image, from: 0, count: 9)
                    }
                }
                try await cloud.upload(image, from: 0, count: 9)
                try await cloud.settle()
                #expect(try await cloud.image(image)?.state == .ready)
                try await cloud.deleteImage(image)
                try await cloud.settle()
                #expect(faults.wasMet, "the fault at \(operation) \(moment) was never reached")
                #expect(try await cloud.image(image)?.state == .deleted)
                #expect(await cloud.host.imageIds() == [])
            }
        }
    }

    @Test("it is billed by the GiB of its files, from READY to its delete")
    func price() async throws {
        try await TestCloud.with(settings: .billed) { cloud in
            try await cloud.topUp(100_000_000)
            let image = try await cloud.readyImage(of: try await cloud.createAndSettle())
            let meter = try #require(try await cloud.database.read { sql in try sql.meters.get(image) })
            #expect(meter.isRunning && meter.hours == .imageHours)
            #expect(meter.price == Catalogue.test.price(ofImageGb: 1))
            try await cloud.deleteImage(image)
            try await cloud.settle()
            let ended = try await cloud.database.read { sql in try sql.meters.get(image) }
            #expect(ended?.isOpen == false)
        }
    }

    @Test("a team that is TERMINATED loses its images once nothing lies over them")
    func terminated() async throws {
        try await TestCloud.with { cloud in
            let image = try await cloud.readyImage(of: try await cloud.createAndSettle())
            _ = try await cloud.createAndSettle(TestCloud.body(image: "\"golden\""))
            try await cloud.database.write { sql in
                _ = try sql.execute("UPDATE wallets SET standing = 'TERMINATED' WHERE team_id = 1")
            }
            for _ in 0..<2 {
                let enforce = EnforceStanding(teamId: 1, nowMs: cloud.clock.nowMs)
                try await cloud.cloud.database.write(.enforceStanding) { sql in try enforce.run(sql) }
                try await cloud.settle()
            }
            #expect(try await cloud.image(image)?.state == .deleted)
            #expect(await cloud.host.disks == [])
            #expect(await cloud.host.imageIds() == [])
        }
    }

    @Test(
        "a restore from a snapshot that lies over another image gives the compute that image, once it is done"
    )
    func restoreOverAnother() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            let image = try await cloud.readyImage(of: id)
            let snapshot = try await cloud.readySnapshot(of: id)
            try await cloud.database.write { sql in
                _ = try sql.execute(
                    "UPDATE snapshots SET image = 'golden', image_id = $2 WHERE id = $1", [snapshot, image])
            }
            try await cloud.restore(id, from: snapshot)
            #expect(try await cloud.database.read { sql in try sql.computes.get(1)?.imageId } == nil)
            try await cloud.settle()
            let compute = try await cloud.database.read { sql in try sql.computes.get(1) }
            #expect(compute?.state == .running && compute?.image == "golden" && compute?.imageId == image)
        }
    }
}

import CloudCore
import CloudTesting
import Foundation
import Testing

@testable import CloudMachines

/// With machines that have no guest, in user mode.
@Suite("Making an image of a team's own", .timeLimit(.minutes(3)))
struct ImageMakingTests {
    @Test("one of a disk stands alone, has what the disk had, and goes once nothing lies over it")
    func disk() async throws {
        try await ImageLab.with(kernel: true) { lab in
            var machine = try await lab.makeMachine(7)
            let made = try await lab.expectMade(.disk(machineId: 5, createdAtMs: machine.createdAtMs))
            #expect(made.virtualBytes == 10 << 30 && made.content.count == 64)
            #expect((4 << 20..<6 << 20).contains(made.bytes), "it takes what was written")
            let material = ImageMaterial.disk(machineId: 5, createdAtMs: machine.createdAtMs)
            #expect(try await lab.reopened().make(material) == .made(made), "a later program knows it")
            #expect(try await lab.host.imageIds() == [12])
            try await lab.write(8, lab.disk)

            let image = lab.cell(made)
            #expect(image.key == "@12")
            try await lab.store.prepare(image)
            let ready = try await lab.store.ready(image)
            #expect(try await lab.has(7, ready.disk))
            #expect(ready.kernel?.commandLine == "quiet")
            #expect(HostFiles.read(ready.kernel?.kernel ?? "") == Array("the kernel".utf8))
            let names = try MachineFiles.names(in: lab.imageFolder.path).sorted()
            #expect(names == ["current", "lock", "owner.json", String(made.content.prefix(16))].sorted())
            #expect(try await mode(lab.imageFolder.path) == "700")
            #expect(try await mode(ready.disk) == "400")

            machine.id = 6
            try await lab.host.makeDisk(machine, from: image)
            await expectConflict { try await lab.host.eraseImage(lab.image) }
            try await lab.host.erase(6)
            for _ in 1...2 { try await lab.host.eraseImage(lab.image) }
            #expect(try await lab.host.imageIds() == [])
        }
    }

    @Test("one of a snapshot has what the snapshot has")
    func snapshot() async throws {
        try await ImageLab.with { lab in
            let machine = try await lab.makeMachine(1)
            let snapshot = DiskSnapshot(id: 9, machineId: 5, createdAtMs: 3)
            try await eventually("the snapshot is taken") {
                if case .taken = try await lab.host.takeSnapshot(snapshot, of: machine) { return true }
                return false
            }
            try await lab.write(2, lab.disk)
            let made = try await lab.expectMade(.snapshot(snapshot))
            try await lab.host.eraseSnapshot(snapshot)
            try await lab.store.prepare(lab.cell(made))
            #expect(try await lab.has(1, try await lab.store.ready(lab.cell(made)).disk))
        }
    }

    @Test("a disk that a restore keeps, and a snapshot, lie over an image too")
    func inUse() async throws {
        try await ImageLab.with { lab in
            let bytes = try await lab.userFile(3)
            try await lab.send(bytes)
            let made = try await lab.expectMade(lab.upload(bytes))
            try await lab.store.prepare(lab.cell(made))
            let machine = try QEMUFixture.machine()
            try await lab.host.makeDisk(machine, from: lab.cell(made))
            try await lab.host.makeSeed(machine)
            try await lab.host.boot(machine)
            #expect(try await lab.host.status(5) == .running, "QEMU gets its files open")
            try await lab.host.halt(5)
            let snapshot = DiskSnapshot(id: 9, machineId: 5, createdAtMs: 3)
            try await eventually("the snapshot is taken") {
                if case .taken = try await lab.host.takeSnapshot(snapshot, of: machine) { return true }
                return false
            }
            try await lab.host.erase(5)
            await expectConflict { try await lab.host.eraseImage(lab.image) }
            try await lab.host.eraseSnapshot(snapshot)
            try await lab.host.eraseImage(lab.image)
        }
    }

    @Test("what can't be had is said: a machine that runs, another's snapshot, a full disk")
    func impossible() async throws {
        try await ImageLab.with { lab in
            let machine = try await lab.makeMachine(1)
            let snapshot = ImageMaterial.snapshot(DiskSnapshot(id: 9, machineId: 5, createdAtMs: 3))
            #expect(try await lab.failure(snapshot).contains("not on this host"))
            try await lab.host.eraseImage(lab.image)
            let disk = ImageMaterial.disk(machineId: 5, createdAtMs: machine.createdAtMs)
            try await lab.host.makeSeed(machine)
            try await lab.host.boot(machine)
            #expect(try await lab.failure(disk).contains("The compute runs"))
            try await lab.host.halt(5)
            try await lab.host.eraseImage(lab.image)
            var full = lab
            full.host = lab.host.full
            #expect(try await full.failure(disk).contains("has no room"))
            #expect(try await lab.failure(disk).contains("has no room"), "until it is erased")
            try await lab.host.eraseImage(lab.image)
            _ = try await lab.expectMade(disk)
        }
    }

    @Test("another image of the same id is kept apart, and erasing it does nothing")
    func otherTime() async throws {
        try await ImageLab.with { lab in
            let bytes = try await lab.userFile(3)
            try await lab.send(bytes)
            _ = try await lab.expectMade(lab.upload(bytes))
            let other = ImageOnHost(id: 12, createdAtMs: 2)
            try await lab.host.eraseImage(other)
            #expect(try await lab.host.imageIds() == [12])
            _ = try await lab.host.receive(other, size: 3, from: 0, .of([1, 2, 3]))
            let names = try MachineFiles.names(in: "\(lab.folder)/images").sorted()
            #expect(names == ["@12", "@12.left-by-1"])
            try await lab.host.eraseImage(lab.image)
            #expect(try await lab.host.imageIds() == [12], "the older one's is not this one's")
            try await lab.host.eraseImage(other)
        }
    }

    @Test("an erase ends the copy that is under way, with all of its processes")
    func ended() async throws {
        try await ImageLab.with { lab in
            var slow = lab
            slow.host.settings.snapshotBytesPerSecond = SnapshotLab.slow
            slow.host.settings.copyAttention = .milliseconds(100)
            let bytes = try await lab.userFile(3)
            try await lab.send(bytes)
            let making = try await slow.host.makeImage(lab.image, of: lab.upload(bytes))
            guard case .working = making else {
                Issue.record("it is not under way: \(making)")
                return
            }
            try await eventually("it copies") { try !copiers(lab).isEmpty }
            try await slow.host.eraseImage(lab.image)
            #expect(try copiers(lab).isEmpty)
            #expect(try await lab.host.imageIds() == [])
        }
    }

    private func copiers(_ lab: ImageLab) throws -> [Int32] {
        try MachineFiles.names(in: "/proc").compactMap { Int32($0) }.filter {
            MachineFiles.text("/proc/\($0)/cmdline", limit: 4096)?.contains(lab.imageFolder.work) ?? false
        }
    }

    private func mode(_ path: String) async throws -> String {
        try await Command("stat", ["-c", "%a", path]).run().standardOutput.trimmingCharacters(in: .newlines)
    }

    private func expectConflict(_ body: () async throws -> Void) async {
        let error = await #expect(throws: CloudError.self) { try await body() }
        #expect(error?.code == .conflict)
    }
}

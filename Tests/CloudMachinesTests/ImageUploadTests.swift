import CloudCore
import CloudTesting
import Testing

@testable import CloudMachines

@Suite("An image that a client sends", .timeLimit(.minutes(3)))
struct ImageUploadTests {
    private struct Gone: Error {}

    @Test("it comes in parts, which are kept when the client goes, and becomes a clean disk")
    func parts() async throws {
        try await ImageLab.with { lab in
            let bytes = try await lab.userFile(5)
            let (host, size) = (lab.host, Int64(bytes.count))
            await #expect(throws: Gone.self) {
                _ = try await host.receive(
                    lab.image, size: size, from: 0, .of(Array(bytes[..<1000]), failing: Gone()))
            }
            let error = try await imageError {
                _ = try await host.receive(lab.image, size: size, from: 1001, .of([]))
            }
            #expect(error.code == .conflict && error.message.contains("1000 bytes"))
            let host2 = try await lab.reopened().host
            #expect(
                try await host2.receive(lab.image, size: size, from: 500, .of(Array(bytes[500..<700])))
                    == 1000)
            #expect(try await lab.failure(lab.upload(bytes)).contains("1000 of \(size) bytes"))
            await lab.host.imageWork.end(12)
            #expect(
                try await host2.receive(lab.image, size: size, from: 1000, .of(Array(bytes[1000...]))) == size
            )

            let made = try await lab.expectMade(lab.upload(bytes))
            #expect(made.virtualBytes == 64 << 20)
            try await lab.store.prepare(lab.cell(made))
            let disk = try await lab.store.ready(lab.cell(made)).disk
            #expect(try await lab.has(5, disk))
            let info = try await Command("qemu-img", ["info", "--output=json", disk]).run().standardOutput
            #expect(!info.contains("\"snapshots\""), "what was within is gone")
            #expect(!HostFiles.exists(lab.imageFolder.upload))
            let late = try await imageError {
                _ = try await host.receive(lab.image, size: size, from: 0, .of(bytes))
            }
            #expect(late.code == .conflict)
        }
    }

    @Test("no more bytes come than were announced, from one client at a time, and not into a full disk")
    func refused() async throws {
        try await ImageLab.with { lab in
            let more = try await imageError {
                _ = try await lab.host.receive(
                    lab.image, size: 5, from: 0, .of([1, 2, 3, 4, 5, 6], chunk: 4))
            }
            #expect(more.code == .payloadTooLarge && more.message.contains("5 bytes"))
            #expect(try await lab.host.receive(lab.image, size: 5, from: 4, .of([])) == 4)
            let full = try await imageError {
                _ = try await lab.host.full.receive(lab.image, size: 5, from: 4, .of([5]))
            }
            #expect(full.code == .serviceUnavailable && full.message.contains("no room"))
            let gate = Gate()
            let slow = Task {
                try await lab.host.receive(
                    lab.image, size: 5, from: 4,
                    ByteStream {
                        await gate.pass(1)
                        return [5]
                    })
            }
            try await eventually("one sends") { await gate.arrivals == [1] }
            let second = try await imageError {
                _ = try await lab.host.receive(lab.image, size: 5, from: 4, .of([5]))
            }
            #expect(second.code == .conflict && second.message.contains("Another request"))
            try await lab.host.eraseImage(lab.image)
            await gate.open()
            let erased = try await imageError { _ = try await slow.value }
            #expect(erased.code == .conflict && erased.message.contains("deleted"))
        }
    }

    @Test("other bytes than were announced are not taken")
    func digest() async throws {
        try await ImageLab.with { lab in
            let bytes = try await lab.userFile(5)
            try await lab.send(bytes)
            var other = bytes
            other[700] ^= 1
            #expect(try await lab.failure(lab.upload(other)).contains(sha256(bytes)))
        }
    }

    @Test("a raw disk is taken as it is, to the sector")
    func raw() async throws {
        try await ImageLab.with { lab in
            let bytes = [UInt8](repeating: 9, count: 4 << 20) + [1, 2, 3]
            try await lab.send(bytes)
            let made = try await lab.expectMade(lab.upload(bytes, .raw))
            #expect(made.virtualBytes == (4 << 20) + 512)
            try await lab.store.prepare(lab.cell(made))
            #expect(try await lab.has(9, try await lab.store.ready(lab.cell(made)).disk))
        }
    }

    @Test("its files can be read from another host, from anywhere on")
    func files() async throws {
        try await ImageLab.with { lab in
            let bytes = try await lab.userFile(5)
            try await lab.send(bytes)
            let missing = try await imageError {
                _ = try await lab.host.file("disk.qcow2", of: lab.image, from: 0)
            }
            #expect(missing.code == .resourceNotFound)
            let made = try await lab.expectMade(lab.upload(bytes))
            let manifest = try #require(
                ImageManifest(try await lab.host.file("image.json", of: lab.image, from: 0).all()))
            #expect(manifest.content == made.content)
            let whole = try await lab.host.file("disk.qcow2", of: lab.image, from: 0).all()
            #expect(sha256(whole) == manifest.files.first?.sha256)
            let part = try await lab.host.file("disk.qcow2", of: lab.image, from: 1000).all()
            #expect(part == Array(whole[1000...]))
            for name in ["../owner.json", "kernel", ""] {
                await #expect(throws: CloudError.self) {
                    _ = try await lab.host.file(name, of: lab.image, from: 0)
                }
            }
            await #expect(throws: CloudError.self) {
                _ = try await lab.host.file("disk.qcow2", of: lab.image, from: Int64(whole.count) + 1)
            }
        }
    }
}

import CloudCore
import CloudTesting
import Foundation
import Testing

@testable import CloudMachines

@Suite("The image store")
struct ImagesStoreTests {
    @Test("an imported disk serves instead of the catalogue's source")
    func imported() async throws {
        try await ImagesFixture.with { fixture in
            let image = ImagesFixture.image("http://127.0.0.1:1")
            try await fixture.store.importFile(fixture.disk, as: image)
            #expect(await fixture.store.status(image) == .ready)
            let disk = try await fixture.store.ready(image).disk
            try await Command("qemu-img", ["compare", "-F", "raw", disk, "\(fixture.folder)/disk.raw"]).run()
            let mode = try FileManager.default.attributesOfItem(atPath: disk)[.posixPermissions] as? Int
            #expect(mode == 0o444)
            let listing = try #require(await fixture.store.list([image]).first)
            #expect(listing.state == .ready)
            #expect(listing.origin == "import:\(fixture.disk)")
        }
    }

    @Test("a disk over another file, a text and a missing file can't be imported")
    func refused() async throws {
        try await ImagesFixture.with { fixture in
            let image = ImagesFixture.image("http://127.0.0.1:1")
            let overlay = "\(fixture.folder)/overlay.qcow2"
            try await Command(
                "qemu-img", ["create", "-q", "-f", "qcow2", "-b", fixture.disk, "-F", "qcow2", overlay]
            ).run()
            let text = "\(fixture.folder)/text"
            try HostFiles.write([UInt8]("hello".utf8), to: text)
            for (file, words) in [
                (overlay, "refers to another file"), (text, "neither a qcow2 image nor a raw disk"),
                ("\(fixture.folder)/none", "There is no file"),
            ] {
                let error = try await imageError { try await fixture.store.importFile(file, as: image) }
                #expect(error.message.contains(words))
            }
            #expect(await fixture.store.list([image]).first?.state == .missing)
        }
    }

    @Test(
        "a disk that is too large, or grows too large when it is converted, can't be imported, and nothing is left of it"
    )
    func bomb() async throws {
        try await ImagesFixture.with(limits: {
            $0.maxVirtualBytes = 1 << 30
            $0.maxImageBytes = 8 << 20
        }) { fixture in
            let image = ImagesFixture.image("http://127.0.0.1:1")
            let (vast, raw, bomb) = (
                "\(fixture.folder)/vast", "\(fixture.folder)/raw", "\(fixture.folder)/bomb"
            )
            try await Command("qemu-img", ["create", "-q", "-f", "qcow2", vast, "1025M"]).run()
            try HostFiles.write([UInt8](repeating: 0x5A, count: 32 << 20), to: raw)
            try await Command("qemu-img", ["convert", "-c", "-f", "raw", "-O", "qcow2", raw, bomb]).run()
            #expect(try #require(HostFiles.stamp(bomb)).size < 1 << 20)
            for (file, words) in [
                (vast, "is a disk of 1025 MiB; an image may have 1024 MiB"), (bomb, "grows beyond 8 MiB"),
                (raw, "is larger than 8 MiB"),
            ] {
                let error = try await imageError { try await fixture.store.importFile(file, as: image) }
                #expect(error.message.contains(words), "\(error.message)")
                #expect(!HostFiles.exists("\(fixture.folder)/images/TEST-1/work"))
            }
            #expect(await fixture.store.list([image]).first?.state == .missing)
        }
    }

    @Test("a conversion leaves the reserve of the disk free")
    func reserve() async throws {
        try await ImagesFixture.with(limits: {
            $0.reserveBytes = 1 << 20
            $0.freeBytes = { _ in 5 << 20 }
        }) { fixture in
            let (raw, bomb) = ("\(fixture.folder)/raw", "\(fixture.folder)/bomb")
            try HostFiles.write([UInt8](repeating: 0x5A, count: 16 << 20), to: raw)
            try await Command("qemu-img", ["convert", "-c", "-f", "raw", "-O", "qcow2", raw, bomb]).run()
            let error = try await imageError {
                try await fixture.store.importFile(bomb, as: ImagesFixture.image("http://127.0.0.1:1"))
            }
            #expect(error.message.contains("grows beyond 4 MiB"), "\(error.message)")
        }
    }

    @Test("a newer disk gets a path of its own, and the older one stays")
    func newContent() async throws {
        try await ImagesFixture.with { fixture in
            let image = ImagesFixture.image("http://127.0.0.1:1")
            try await fixture.store.importFile(fixture.disk, as: image)
            let older = try await fixture.store.ready(image).disk
            let bytes = HostFiles.read(older)
            let other = "\(fixture.folder)/other.qcow2"
            try await Command("qemu-img", ["create", "-q", "-f", "qcow2", other, "8M"]).run()
            try await fixture.store.importFile(other, as: image)
            #expect(try await fixture.store.ready(image).disk != older)
            #expect(HostFiles.read(older) == bytes)
        }
    }

    @Test("what an older recipe made is built again, and serves on a host that can't build it")
    func olderRecipe() async throws {
        try await ImagesFixture.with {
            $0.freeBytes = { _ in 0 }
        } _: { fixture in
            let image = ImagesFixture.built("tiny")
            let folder = await fixture.store.folder(image)
            let staged = "\(folder.path)/staged"
            for made in [folder.path, staged] { try HostFiles.makeFolder(made) }
            try await Command("cp", [fixture.disk, "\(staged)/\(ImageManifest.disk)"]).run()
            try folder.install(staged, origin: "recipe:tiny", nowMs: 0)
            #expect(await fixture.store.list([image]).first?.state == .outdated)
            #expect(await fixture.store.status(image) == .preparing("starting"), "it is tried first")
            #expect(try await fixture.settled(image) == .ready)
            let error = try await imageError { try await fixture.store.prepare(image) }
            #expect(error.message.contains("Free some space"))
        }
    }

    @Test("a changed byte is noticed without reading the disk, told by verify, and mended")
    func damaged() async throws {
        try await ImagesFixture.with { fixture in
            let bytes = fixture.diskBytes
            try await ImagesOrigin.with(.init(bytes: bytes)) { origin, address in
                let image = ImagesFixture.image(address)
                try await fixture.store.prepare(image)
                let disk = try await fixture.store.ready(image).disk
                try await fixture.store.verify(image)
                try HostFiles.setMode(disk, 0o644)
                var wrong = bytes
                wrong[1000] ^= 1
                try HostFiles.write(wrong, to: disk)
                let notReady = try await imageError { _ = try await fixture.store.ready(image) }
                #expect(notReady.message.contains("strettch admin image verify TEST-1"))
                let error = try await imageError { try await fixture.store.verify(image) }
                #expect(error.message.contains(sha256(wrong)))
                #expect(error.message.contains(sha256(bytes)))
                #expect(try await fixture.settled(image) == .ready)
                #expect(try await fixture.store.ready(image).disk == disk)
                #expect(HostFiles.read(disk) == bytes)
            }
        }
    }

    @Test("damage that keeps size and time is noticed by the next program before a boot, and mended")
    func silentlyDamaged() async throws {
        try await ImagesFixture.with { fixture in
            let bytes = fixture.diskBytes
            try await ImagesOrigin.with(.init(bytes: bytes)) { _, address in
                let image = ImagesFixture.image(address)
                try await fixture.store.prepare(image)
                let ready = try await fixture.store.ready(image)
                try fixture.damage(ready.disk)
                let next = fixture.anotherStore()
                let error = try await imageError { try await next.check(ready) }
                #expect(error.message.contains("strettch admin image pull TEST-1"))
                #expect(await next.status(image) != .ready, "it is read first")
                try await eventually("it is ready") { await next.status(image) == .ready }
                #expect(HostFiles.read(ready.disk) == bytes)
                try await next.check(ready)
                await next.shutdown()
            }
        }
    }

    @Test("an imported disk that is damaged is unavailable, with the command that brings it again")
    func importedAndDamaged() async throws {
        try await ImagesFixture.with { fixture in
            let image = ImagesFixture.image("http://127.0.0.1:1")
            try await fixture.store.importFile(fixture.disk, as: image)
            try fixture.damage(try await fixture.store.ready(image).disk)
            var fresh = fixture
            fresh.store = fixture.anotherStore()
            guard case .unavailable(let reason) = try await fresh.settled(image) else {
                Issue.record("a damaged disk is used")
                return
            }
            #expect(reason.contains("strettch admin image import TEST-1 FILE"))
            await fresh.store.shutdown()
        }
    }

    @Test("a manifest that can't be read is as good as none: the image is fetched again, to the same place")
    func brokenManifest() async throws {
        try await ImagesFixture.with { fixture in
            try await ImagesOrigin.with(.init(bytes: fixture.diskBytes)) { _, address in
                let image = ImagesFixture.image(address)
                try await fixture.store.prepare(image)
                let disk = try await fixture.store.ready(image).disk
                let manifest = "\(fixture.folder)/images/TEST-1/current/\(ImageManifest.fileName)"
                try HostFiles.setMode(manifest, 0o644)
                try HostFiles.write([UInt8]("{".utf8), to: manifest)
                #expect(try await fixture.settled(image) == .ready)
                #expect(try await fixture.store.ready(image).disk == disk)
            }
        }
    }

    @Test("a disk that was only touched is read once and used on")
    func touched() async throws {
        try await ImagesFixture.with { fixture in
            try await ImagesOrigin.with(.init(bytes: fixture.diskBytes)) { origin, address in
                let image = ImagesFixture.image(address)
                try await fixture.store.prepare(image)
                let disk = try await fixture.store.ready(image).disk
                try FileManager.default.setAttributes(
                    [.modificationDate: Date(timeIntervalSince1970: 1)], ofItemAtPath: disk)
                #expect(try await fixture.settled(image) == .ready)
                #expect(origin.asked.filter { $0.path == "/disk.img" }.count == 1)
            }
        }
    }

    @Test("a vanished disk is fetched again")
    func vanished() async throws {
        try await ImagesFixture.with { fixture in
            try await ImagesOrigin.with(.init(bytes: fixture.diskBytes)) { origin, address in
                let image = ImagesFixture.image(address)
                try await fixture.store.prepare(image)
                let disk = try await fixture.store.ready(image).disk
                try HostFiles.remove(disk)
                #expect(try await fixture.settled(image) == .ready)
                #expect(try await fixture.store.ready(image).disk == disk)
                #expect(origin.asked.filter { $0.path == "/disk.img" }.count == 2)
            }
        }
    }

    @Test("an image that is missing is told with the command that fetches it")
    func missing() async throws {
        try await ImagesFixture.with { fixture in
            let error = try await imageError {
                _ = try await fixture.store.ready(ImagesFixture.built("tiny"))
            }
            #expect(error.code == .serviceUnavailable)
            #expect(error.message.contains("strettch admin image pull TEST-1"))
        }
    }

    @Test("an unknown recipe names the known ones")
    func unknownRecipe() async throws {
        try await ImagesFixture.with { fixture in
            let error = try await imageError { try await fixture.store.prepare(ImagesFixture.built("beos")) }
            #expect(error.message.contains("beos"))
            #expect(error.message.contains("tiny, debian-12"))
        }
    }

    @Test(
        "the tiny image is built: a kernel, an initrd, kernel parameters and an empty disk",
        .enabled(if: canBuildTiny, "this machine lacks what the recipe needs"), .timeLimit(.minutes(5)))
    func tiny() async throws {
        try await ImagesFixture.with { fixture in
            let image = ImagesFixture.built("tiny")
            try await fixture.store.prepare(image)
            let ready = try await fixture.store.ready(image)
            let kernel = try #require(ready.kernel)
            #expect(try FileReader(kernel.kernel)?.next(4) == [0x7F, 0x45, 0x4C, 0x46])
            #expect(kernel.commandLine.contains("console=ttyS0"))
            let listing = try await Command("cpio", ["-t", "--quiet", "-F", kernel.initrd]).run()
                .standardOutput
            let names = Set(listing.split(separator: "\n").map(String.init))
            #expect(
                names.isSuperset(of: [
                    "init", "bin/busybox", "bin/lsblk", "usr/sbin/dropbear", "usr/bin/dropbearkey",
                    "sbin/mke2fs",
                    "lib/libc.so.6", "lib/modules/order",
                ]))
            let info = try await Command("qemu-img", ["info", "--output=json", ready.disk]).run()
                .standardOutput
            #expect(info.contains("\"virtual-size\": 67108864"))
            #expect(!HostFiles.exists("\(fixture.folder)/images/TEST-1/work"))
        }
    }
}

/// Whether the recipe's programs are here.
private let canBuildTiny = ImageRecipe.tiny.tools.allSatisfy { HostFiles.program($0.program) != nil }

import CloudCore
import CloudTesting
import Synchronization
import HTTPTypes
import Logging
import Testing

@testable import CloudMachines

@Suite("Downloads of images")
struct ImagesDownloadTests {
    @Test("a disk is downloaded once, verified, and read-only")
    func full() async throws {
        try await ImagesFixture.with { fixture in
            let bytes = fixture.diskBytes
            try await ImagesOrigin.with(.init(bytes: bytes)) { origin, address in
                let image = ImagesFixture.image(address)
                try await fixture.store.prepare(image)
                try await fixture.store.prepare(image)
                let ready = try await fixture.store.ready(image)
                #expect(HostFiles.read(ready.disk) == bytes)
                #expect(ready.kernel == nil)
                #expect(origin.asked.map(\.path) == ["/SHA256SUMS", "/disk.img"])
                #expect(await fixture.store.status(image) == .ready)
                #expect(!HostFiles.exists("\(fixture.folder)/images/TEST-1/download.part"))
            }
        }
    }

    @Test("a cut connection goes on where it ended")
    func resumed() async throws {
        try await ImagesFixture.with { fixture in
            let bytes = fixture.diskBytes
            try await ImagesOrigin.with(.init(bytes: bytes, cuts: [300_000])) { origin, address in
                let image = ImagesFixture.image(address, checksum: .sha256(sha256(bytes).uppercased()))
                try await fixture.store.prepare(image)
                #expect(HostFiles.read(try await fixture.store.ready(image).disk) == bytes)
                let resumed = try #require(origin.asked.last)
                #expect(origin.asked.count == 2)
                #expect(resumed.ifRange == "\"one\"")
                let offset = try #require(resumed.range.flatMap { Int($0.dropFirst(6).dropLast()) })
                #expect(offset > 0 && offset <= 300_000)
            }
        }
    }

    @Test("a disk is verified by SHA512SUMS, also when a part is resumed and when it is another's")
    func sha512() async throws {
        try await ImagesFixture.with { fixture in
            let bytes = fixture.diskBytes
            try await ImagesOrigin.with(.init(bytes: bytes, cuts: [300_000])) { origin, address in
                let sums = ImageChecksum.sums(url: "\(address)/SHA512SUMS")
                let image = ImagesFixture.image(address, checksum: sums)
                try await fixture.store.prepare(image)
                #expect(origin.asked.map(\.path) == ["/SHA512SUMS", "/disk.img", "/disk.img"])
                #expect(HostFiles.read(try await fixture.store.ready(image).disk) == bytes)
                origin.behaviour.withLock { $0.sums = String(repeating: "0", count: 128) }
                let other = ImagesFixture.image(address, checksum: .sums(url: "\(address)/SHA256SUMS"))
                let error = try await imageError { try await fixture.store.prepare(other) }
                #expect(error.message.contains("has the SHA-512"), "\(error.message)")
            }
        }
    }

    @Test("a part that an earlier process left is resumed")
    func resumedLater() async throws {
        try await ImagesFixture.with(limits: { $0.downloadAttempts = 1 }) { fixture in
            let bytes = fixture.diskBytes
            try await ImagesOrigin.with(.init(bytes: bytes, cuts: [300_000])) { origin, address in
                let image = ImagesFixture.image(address, checksum: .sha256(sha256(bytes)))
                let error = try await imageError { try await fixture.store.prepare(image) }
                #expect(error.message.contains("After 1 tries"))
                try await fixture.store.prepare(image)
                #expect(origin.asked.last?.range != nil)
                #expect(HostFiles.read(try await fixture.store.ready(image).disk) == bytes)
            }
        }
    }

    @Test("another version on the server begins anew", arguments: ["\"two\"", nil])
    func changed(etag: String?) async throws {
        try await ImagesFixture.with { fixture in
            let bytes = fixture.diskBytes
            let old = [UInt8](repeating: 7, count: bytes.count)
            try await ImagesOrigin.with(.init(bytes: old, cuts: [200_000])) { origin, address in
                let image = ImagesFixture.image(address, checksum: .sha256(sha256(bytes)))
                try await fixture.store.prepare(image) { progress in
                    guard progress.text.hasPrefix("trying again") else { return }
                    origin.behaviour.withLock { ($0.bytes, $0.etag) = (bytes, etag) }
                }
                #expect(HostFiles.read(try await fixture.store.ready(image).disk) == bytes)
            }
        }
    }

    @Test("a server that ignores ranges is read from the beginning")
    func noRanges() async throws {
        try await ImagesFixture.with { fixture in
            let bytes = fixture.diskBytes
            let behaviour = ImagesOrigin.Behaviour(bytes: bytes, honoursRange: false, cuts: [200_000])
            try await ImagesOrigin.with(behaviour) { origin, address in
                let image = ImagesFixture.image(address)
                try await fixture.store.prepare(image)
                #expect(HostFiles.read(try await fixture.store.ready(image).disk) == bytes)
            }
        }
    }

    @Test("a server that is busy is asked again; one that stays so is given up")
    func busy() async throws {
        try await ImagesFixture.with { fixture in
            let bytes = fixture.diskBytes
            let behaviour = ImagesOrigin.Behaviour(
                bytes: bytes, statuses: [.serviceUnavailable, .tooManyRequests])
            try await ImagesOrigin.with(behaviour) { origin, address in
                let image = ImagesFixture.image(address)
                try await fixture.store.prepare(image)
                #expect(origin.asked.filter { $0.path == "/disk.img" }.count == 3)
                origin.behaviour.withLock { $0.statuses = [.badGateway, .badGateway, .badGateway, .ok] }
                let error = try await imageError { try await fixture.store.prepare(image, again: true) }
                #expect(error.message.contains("After 3 tries"))
                #expect(error.message.contains("502"))
            }
        }
    }

    @Test("a wrong checksum throws the part away and tells both digests")
    func wrongChecksum() async throws {
        try await ImagesFixture.with { fixture in
            let bytes = fixture.diskBytes
            let wrong = String(repeating: "0", count: 64)
            try await ImagesOrigin.with(.init(bytes: bytes)) { _, address in
                let image = ImagesFixture.image(address, checksum: .sha256(wrong))
                let error = try await imageError { try await fixture.store.prepare(image) }
                #expect(error.message.contains(wrong))
                #expect(error.message.contains(sha256(bytes)))
                #expect(!HostFiles.exists("\(fixture.folder)/images/TEST-1/download.part"))
                #expect(!HostFiles.exists("\(fixture.folder)/images/TEST-1/current"))
            }
        }
    }

    @Test("a disk that SHA256SUMS does not list is refused before it is downloaded")
    func notListed() async throws {
        try await ImagesFixture.with { fixture in
            let behaviour = ImagesOrigin.Behaviour(bytes: fixture.diskBytes, sums: "no such thing\n")
            try await ImagesOrigin.with(behaviour) { origin, address in
                let error = try await imageError {
                    try await fixture.store.prepare(ImagesFixture.image(address))
                }
                #expect(error.message.contains("SHA256SUMS does not list disk.img"))
                #expect(origin.asked.map(\.path) == ["/SHA256SUMS"])
            }
        }
    }

    @Test("404 fails at once, is told with what to do, and is tried again after a minute")
    func missing() async throws {
        try await ImagesFixture.with { fixture in
            let behaviour = ImagesOrigin.Behaviour(bytes: fixture.diskBytes, statuses: [.notFound])
            try await ImagesOrigin.with(behaviour) { origin, address in
                let image = ImagesFixture.image(address)
                guard case .preparing = await fixture.store.status(image) else {
                    Issue.record("the download was not begun")
                    return
                }
                guard case .unavailable(let why) = try await fixture.settled(image) else {
                    Issue.record("404 was not told")
                    return
                }
                #expect(why.contains("404"))
                #expect(why.contains("strettch admin image pull TEST-1"))
                #expect(why.contains("strettch admin image import TEST-1 FILE"))
                #expect(origin.asked.count == 2)
                fixture.clock.advance(milliseconds: 60_000)
                #expect(try await fixture.settled(image) == .ready)
            }
        }
    }

    @Test("a file beyond the limit is refused, whether its length is told or not", arguments: [true, false])
    func tooLarge(tellsLength: Bool) async throws {
        try await ImagesFixture.with(limits: { $0.maxImageBytes = 100_000 }) { fixture in
            let behaviour = ImagesOrigin.Behaviour(bytes: fixture.diskBytes, tellsLength: tellsLength)
            try await ImagesOrigin.with(behaviour) { _, address in
                let error = try await imageError {
                    try await fixture.store.prepare(ImagesFixture.image(address))
                }
                #expect(error.message.contains("larger than"))
                #expect(!HostFiles.exists("\(fixture.folder)/images/TEST-1/download.part"))
            }
        }
    }

    @Test("a full disk is told before a byte is written")
    func diskFull() async throws {
        try await ImagesFixture.with(limits: { $0.freeBytes = { _ in 300 << 10 } }) { fixture in
            try await ImagesOrigin.with(.init(bytes: fixture.diskBytes)) { _, address in
                let error = try await imageError {
                    try await fixture.store.prepare(ImagesFixture.image(address))
                }
                #expect(error.message.contains("0 MiB free"))
                #expect(HostFiles.stamp("\(fixture.folder)/images/TEST-1/download.part")?.size == 0)
            }
        }
    }

    @Test("two callers, and a second process, download once")
    func once() async throws {
        try await ImagesFixture.with { fixture in
            let bytes = fixture.diskBytes
            try await ImagesOrigin.with(.init(bytes: bytes)) { origin, address in
                let image = ImagesFixture.image(address)
                let other = ImageStore(directory: fixture.store.directory, logger: .init(label: "other"))
                async let first: Void = fixture.store.prepare(image)
                async let second: Void = fixture.store.prepare(image)
                async let third: Void = other.prepare(image)
                _ = try await (first, second, third)
                #expect(origin.asked.filter { $0.path == "/disk.img" }.count == 1)
            }
        }
    }

    @Test("a raw disk becomes a qcow2")
    func raw() async throws {
        try await ImagesFixture.with { fixture in
            let bytes = HostFiles.read("\(fixture.folder)/disk.raw") ?? []
            try await ImagesOrigin.with(.init(bytes: bytes)) { _, address in
                let image = ImagesFixture.image(address, format: "raw")
                try await fixture.store.prepare(image)
                let ready = try await fixture.store.ready(image)
                #expect(try DiskFormat.detect(ready.disk) == "qcow2")
                try await Command(
                    "qemu-img",
                    ["compare", "-f", "raw", "-F", "qcow2", "\(fixture.folder)/disk.raw", ready.disk]
                ).run()
            }
        }
    }
}

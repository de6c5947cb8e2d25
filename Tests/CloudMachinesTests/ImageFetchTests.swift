import CloudCore
import CloudTesting
import Foundation
import Synchronization
import Testing

@testable import CloudMachines

@Suite("An image of a team's own, on another host than made it", .timeLimit(.minutes(3)))
struct ImageFetchTests {
    @Test("it is fetched from its host, goes on after a break, and is what was made")
    func fetched() async throws {
        try await Self.with { home, other, way in
            let image = home.cell(try await home.madeImage())
            way.faults.withLock {
                $0 = [
                    ("image.json", .breaks(after: 10)), ("disk.qcow2", .breaks(after: 500_000)),
                    ("disk.qcow2", .breaks(after: 0)),
                ]
            }
            #expect(try await other.settled(image) == .ready)
            let (ours, theirs) = (try await other.store.ready(image), try await home.store.ready(image))
            #expect(HostFiles.read(ours.disk) == HostFiles.read(theirs.disk))
            #expect(ours.kernel?.commandLine == "quiet")
            #expect(way.asked.withLock { $0 }.contains { $0.name == "disk.qcow2" && $0.offset > 0 })
            #expect(!HostFiles.exists(other.imageFolder.fetched))
            #expect(other.store.virtualBytes(of: "@12") == 10 << 30)
            let count = way.asked.withLock { $0.count }
            #expect(await other.store.status(image) == .ready)
            #expect(way.asked.withLock { $0.count } == count)
            try await other.host.eraseImage(other.image)
            #expect(try await other.host.imageIds() == [])
        }
    }

    @Test(
        "what a disk lies over is fetched again when it is damaged, and the host that made it says so plainly"
    )
    func damaged() async throws {
        try await Self.with { home, other, way in
            let image = home.cell(try await home.madeImage())
            #expect(try await other.settled(image) == .ready)
            let ready = try await other.store.ready(image)
            try damage(ready.disk)
            let told = try await imageError { try await other.reopened(way).store.check(ready) }
            #expect(told.code == .serviceUnavailable && told.message.contains("is fetched anew"))
            #expect(try await other.settled(image) == .ready)
            try await other.reopened(way).store.check(ready)

            try damage(try await home.store.ready(image).disk)
            let atHome = try await home.reopened().settled(image)
            guard case .unavailable(let why) = atHome else {
                Issue.record("it is not unavailable: \(atHome)")
                return
            }
            #expect(why.contains("damaged on the host that made it"), "\(why)")
            #expect(try await other.reopened(way).settled(image) == .ready, "the other one is whole")
        }
    }

    @Test("another image, more bytes, or other bytes are not taken for it")
    func wrong() async throws {
        try await Self.with { home, other, way in
            let image = home.cell(try await home.madeImage())
            let kinds: [(String, Way.Fault, String)] = [
                ("image.json", .replaces(Array("{}".utf8)), "another image's"),
                ("disk.qcow2", .replaces([UInt8](repeating: 1, count: 100)), "bytes of disk.qcow2"),
                ("image.json", .appends, "another image's"),
            ]
            for (name, fault, words) in kinds {
                way.faults.withLock { $0 = Array(repeating: (name, fault), count: 3) }
                let error = try await imageError { try await other.store.prepare(image) }
                #expect(error.message.contains(words), "\(error.message)")
            }
            way.faults.withLock { $0 = [] }
            try await other.store.prepare(image)
            let stranger = Image(
                image: "mine", imageName: "mine", version: "", displayName: "mine",
                source: .cell(id: 12, createdAtMs: 1, content: String(repeating: "0", count: 64)))
            let error = try await imageError { try await other.store.prepare(stranger) }
            #expect(error.message.contains("another image's"))
        }
    }

    /// The way from one host to another, as badly as a test says.
    final class Way: Sendable {
        enum Fault: Sendable {
            case breaks(after: Int)
            case replaces([UInt8])
            case appends
        }

        struct Broken: Error {}

        struct Asked: Sendable {
            var name: String
            var offset: Int64
        }

        let home: QEMUHost
        /// What goes wrong, once each, with the file of that name.
        let faults = Mutex<[(name: String, fault: Fault)]>([])
        let asked = Mutex<[Asked]>([])

        init(home: QEMUHost) { self.home = home }

        func file(_ image: ImageOnHost, _ name: String, _ offset: Int64) async throws -> ByteStream {
            asked.withLock { $0.append(Asked(name: name, offset: offset)) }
            let fault = faults.withLock { faults in
                faults.firstIndex { $0.name == name }.map { faults.remove(at: $0).fault }
            }
            let stream = try await home.file(name, of: image, from: offset)
            switch fault {
            case nil: return stream
            case .breaks(let count):
                return .of(Array(try await stream.all().prefix(count)), failing: Broken())
            case .replaces(let bytes): return .of(bytes)
            case .appends: return .of(try await stream.all() + [0x20, 0x7D])
            }
        }
    }

    private static func with(
        _ body: (_ home: ImageLab, _ other: ImageLab, _ way: Way) async throws -> Void
    ) async throws {
        try await ImageLab.with(kernel: true) { home in
            let way = Way(home: home.host)
            try await QEMUFixture.withFolder { folder in
                let other = try await ImageLab.open(folder) { try await way.file($0, $1, $2) }
                do { try await body(home, other, way) } catch {
                    await other.store.shutdown()
                    throw error
                }
                await other.store.shutdown()
            }
        }
    }

    private func damage(_ path: String) throws {
        var bytes = HostFiles.read(path) ?? []
        bytes[bytes.count / 2] ^= 1
        try HostFiles.setMode(path, 0o600)
        let file = try OpenFile.regular(path, writable: true)
        #expect(pwrite(file.descriptor, bytes, bytes.count, 0) == bytes.count)
        try HostFiles.setMode(path, 0o400)
    }
}

extension ImageLab {
    fileprivate func madeImage() async throws -> MadeImage {
        _ = try await makeMachine(7)
        return try await expectMade(.disk(machineId: 5, createdAtMs: 0))
    }

    fileprivate func reopened(_ way: ImageFetchTests.Way) async throws -> ImageLab {
        try await Self.open(folder) { try await way.file($0, $1, $2) }
    }

    /// Asks until the image is no longer on its way.
    fileprivate func settled(_ image: Image) async throws -> ImageStatus {
        var status = ImageStatus.preparing("")
        try await eventually("the image is no longer on its way") {
            status = await store.status(image)
            if case .preparing = status { return false }
            return true
        }
        return status
    }
}

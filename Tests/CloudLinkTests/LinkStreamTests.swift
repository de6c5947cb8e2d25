import CloudCore
import CloudTesting
import Crypto
import NIOCore
import Synchronization
import Testing

@testable import CloudLink

/// What passes between two programs, and what does not pile up.
@Suite("The link to a host: streams", .timeLimit(.minutes(2)))
struct LinkStreamTests {
    private static let megabytes: Int64 = 100
    /// What sockets' buffers and the chunks under way may hold of it, in bytes.
    private static let underWay: Int64 = 24 << 20
    private static let image = ImageOnHost(id: 7, createdAtMs: 5)

    @Test("100 MB go there and back whole, and only what is under way is in memory")
    func roundTrip() async throws {
        try await LinkLab.with { lab in
            let desk = FakeDesk()
            let host = try await lab.host("host-1", desk)
            let up = Pattern(Self.megabytes << 20)
            let most = Mutex<Int64>(0)
            let watched = ByteStream {
                let ahead = up.made - desk.received
                most.withLock { $0 = max($0, ahead) }
                return up.next()
            }
            let received = try await lab.desk(of: host, for: lab.server()).receive(
                Self.image, size: Self.megabytes << 20, from: 0, watched)
            #expect(received == Self.megabytes << 20)
            #expect(desk.digest == up.digest)
            #expect(most.withLock(\.self) < Self.underWay)
            #expect(desk.asked == ["receive 7 5 \(Self.megabytes << 20) 0"])
        }
        try await LinkLab.with { lab in
            let down = Pattern(Self.megabytes << 20)
            let host = try await lab.host("host-1", FakeDesk(content: { _ in down.bytes }))
            let other = try await lab.host("host-2")
            let stream = try await lab.desk(of: host, for: other).file("disk.qcow2", of: Self.image, from: 0)
            var (hash, count, most) = (SHA256(), Int64(0), Int64(0))
            while let chunk = try await stream.next() {
                hash.update(data: chunk)
                count += Int64(chunk.count)
                most = max(most, down.made - count)
            }
            #expect(count == Self.megabytes << 20)
            #expect(hash.finalize() == down.digest)
            #expect(most < Self.underWay)
            #expect(try await stream.next() == nil, "the end stays the end")
            #expect(host.figure("strettch_link_requests_total", "file", "ok") == 1)
            #expect(other.figure("strettch_link_asked_total", "file", "ok") == 1)
        }
    }

    @Test("a slow reader slows the sender down, on either side")
    func slowReader() async throws {
        try await LinkLab.with { lab in
            let gate = Gate()
            let desk = FakeDesk(beforeTake: { await gate.pass(1) })
            let host = try await lab.host("host-1", desk)
            let up = Pattern(Self.megabytes << 20)
            let link = try await lab.desk(of: host, for: lab.server())
            async let received = link.receive(Self.image, size: Self.megabytes << 20, from: 0, up.bytes)
            try await Self.standsStill(up)
            #expect(up.made < Self.underWay)
            await gate.open()
            #expect(try await received == Self.megabytes << 20)
        }
        try await LinkLab.with { lab in
            let down = Pattern(Self.megabytes << 20)
            let host = try await lab.host("host-1", FakeDesk(content: { _ in down.bytes }))
            let other = try await lab.host("host-2")
            let stream = try await lab.desk(of: host, for: other).file("disk.qcow2", of: Self.image, from: 0)
            _ = try await stream.next()
            try await Self.standsStill(down)
            #expect(down.made < Self.underWay)
            while try await stream.next() != nil {}
            #expect(down.made == Self.megabytes << 20)
        }
    }

    /// Returns once nothing was asked of the pattern for a while.
    private static func standsStill(_ pattern: Pattern) async throws {
        var (last, since) = (Int64(-1), ContinuousClock.now)
        try await eventually("the sender stands still") {
            if pattern.made != last { (last, since) = (pattern.made, .now) }
            return last > 0 && ContinuousClock.now - since > .milliseconds(300)
        }
    }

    @Test("an error of the desk comes out as it went in, even before all of a body was sent")
    func errors() async throws {
        let error = CloudError(
            .conflict, "12 bytes are here.", detail: "of image 7", problems: [Problem("offset", "is beyond.")]
        )
        try await LinkLab.with { lab in
            let desk = FakeDesk(beforeTake: { throw error }, content: { _ in throw error })
            let host = try await lab.host("host-1", desk)
            let link = try await lab.desk(of: host, for: lab.server())
            let up = Pattern(Self.megabytes << 20)
            await #expect(throws: error) {
                try await link.receive(Self.image, size: Self.megabytes << 20, from: 20, up.bytes)
            }
            #expect(up.made < Self.underWay, "the rest was not sent")
            await #expect(throws: error) {
                try await lab.desk(of: host, for: lab.host("host-2")).file("kernel", of: Self.image, from: 0)
            }
            #expect(host.figure("strettch_link_requests_total", "receive", "CONFLICT") == 1)
        }
    }

    @Test("a file that is cut off is known to be, and what came before the cut is there")
    func cutFile() async throws {
        try await LinkLab.with { lab in
            let down = Pattern(4 << 20)
            let cut = ByteStream {
                guard let chunk = down.next() else { throw CloudError.bug("the disk is gone") }
                return chunk
            }
            let host = try await lab.host("host-1", FakeDesk(content: { _ in cut }))
            let other = try await lab.host("host-2")
            let stream = try await lab.desk(of: host, for: other).file("disk.qcow2", of: Self.image, from: 0)
            let count = Mutex(0)
            let failure = await #expect(throws: CloudError.self) {
                while let chunk = try await stream.next() { count.withLock { $0 += chunk.count } }
            }
            #expect(failure?.code == .serviceUnavailable && failure?.message.contains("host-1") == true)
            #expect(count.withLock(\.self) <= 4 << 20)
        }
    }

    @Test(
        "an upload whose source fails ends with the source's error, and the desk knows that it is not whole")
    func cutUpload() async throws {
        try await LinkLab.with { lab in
            let desk = FakeDesk()
            let host = try await lab.host("host-1", desk)
            let up = Pattern(4 << 20)
            let gone = CloudError(.badRequest, "The client is gone.")
            let cut = ByteStream {
                guard let chunk = up.next() else {
                    try await eventually("all of it is there") { desk.received == 4 << 20 }
                    throw gone
                }
                return chunk
            }
            let link = try await lab.desk(of: host, for: lab.server())
            await #expect(throws: gone) {
                try await link.receive(Self.image, size: 8 << 20, from: 0, cut)
            }
            try await eventually("the desk knows") { desk.failure != nil }
            #expect(desk.received == 4 << 20, "what came is kept")
        }
    }

    @Test("a sender that stands still is given up after the limit, and so is a reader")
    func stalls() async throws {
        var limits = LinkLimits()
        limits.stall = .milliseconds(300)
        try await LinkLab.with(limits: limits) { lab in
            let desk = FakeDesk()
            let host = try await lab.host("host-1", desk)
            let (never, _) = AsyncStream.makeStream(of: [UInt8].self)
            let up = Pattern(1 << 20)
            let stalled = ByteStream {
                if let chunk = up.next() { return chunk }
                for await chunk in never { return chunk }
                throw CancellationError()
            }
            let failure = await #expect(throws: CloudError.self) {
                try await lab.desk(of: host, for: lab.server()).receive(
                    Self.image, size: 8 << 20, from: 0, stalled)
            }
            #expect(failure?.code == .serviceUnavailable)
            #expect(desk.failure == "stalled" && desk.received == 1 << 20)
        }
        try await LinkLab.with(limits: limits) { lab in
            let down = Pattern(Self.megabytes << 20)
            let host = try await lab.host("host-1", FakeDesk(content: { _ in down.bytes }))
            let other = try await lab.host("host-2")
            let stream = try await lab.desk(of: host, for: other).file("disk.qcow2", of: Self.image, from: 0)
            _ = try await stream.next()
            try await Self.standsStill(down)
            let made = down.made
            await #expect(throws: CloudError.self) { while try await stream.next() != nil {} }
            #expect(down.made == made, "the host has given it up")
        }
    }

    @Test("a stream that nobody has any more closes its connection")
    func abandoned() async throws {
        try await LinkLab.with { lab in
            let released = Flag()
            let down = Pattern(Self.megabytes << 20)
            let host = try await lab.host(
                "host-1",
                FakeDesk(content: { _ in
                    let canary = Canary(released)
                    return ByteStream {
                        _ = canary
                        return down.next()
                    }
                }))
            let other = try await lab.host("host-2")
            var stream: ByteStream? = try await lab.desk(of: host, for: other).file(
                "disk.qcow2", of: Self.image, from: 0)
            _ = try await stream?.next()
            stream = nil
            try await eventually("the host has let go") { released.isSet }
            #expect(down.made < Self.megabytes << 20)
        }
    }

    /// Says when nobody holds it any more.
    private final class Canary: Sendable {
        private let gone: Flag

        init(_ gone: Flag) { self.gone = gone }

        deinit { gone.set() }
    }
}

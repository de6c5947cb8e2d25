import CloudTesting
import HTTPTypes
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
import Testing

@testable import CloudServer

@Suite("The time that an upload may take")
struct UploadClockTests {
    private let start = NIODeadline.uptimeNanoseconds(0)
    private let body = UploadBody([], maxBytes: .max)

    private func after(_ seconds: Int64) -> NIODeadline { start + .seconds(seconds) }

    @Test("has no end while the client is not waited for")
    func held() {
        var clock = UploadClock(body)
        #expect(clock.deadline == nil)
        clock.asked(after(1))
        clock.asked(after(9))
        #expect(clock.deadline == after(31), "since it was first asked")
        clock.heard(1, after(2))
        #expect(clock.deadline == nil)
    }

    @Test("goes on as long as enough comes, however long that is")
    func moving() {
        var clock = UploadClock(body)
        for second in 0..<1000 {
            clock.asked(after(Int64(second)))
            #expect(clock.deadline == after(Int64(second) + 30))
            clock.heard(body.slowest, after(Int64(second) + 1))
        }
    }

    @Test("ends where a byte comes now and then")
    func dripping() {
        var clock = UploadClock(body)
        for second in stride(from: Int64(0), to: 30, by: 10) {
            clock.asked(after(second))
            #expect(clock.deadline == after(30))
            clock.heard(1, after(second + 10))
        }
        clock.asked(after(30))
        #expect(clock.deadline == after(30))
    }

    @Test("does not count what our own side takes")
    func ownTime() {
        var clock = UploadClock(body)
        for second in stride(from: Int64(0), to: 1000, by: 100) {
            clock.asked(after(second))
            clock.heard(1, after(second + 1))
        }
        clock.asked(after(2000))
        #expect(clock.deadline == after(2020), "10 s are used up")
        clock.allowed(after(2010))
        #expect(clock.deadline == after(2030))
    }
}

@Suite("The guard of a request that is an upload")
struct UploadGuardTests {
    /// A request of which the head has come, and what was said of it.
    private final class Upload {
        let channel = EmbeddedChannel()
        private let closes = Closes()

        init(_ body: UploadBody?, fields: HTTPFields = [:]) throws {
            channel.remoteAddress = try SocketAddress(ipAddress: "10.0.0.1", port: 1)
            let limits = ListenerLimits()
            let connections = Connections(limits)
            let connection = try #require(connections.admit(channel))
            let watch = ConnectionGuard(connection, connections, limits: limits)
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHandler(closes)
            try pipeline.addHandler(
                RequestGuard(
                    limits: limits, isStream: false, connection: watch, uploads: { _ in body },
                    answer: Refusal.plainAnswer))
            channel.pipeline.fireChannelActive()
            let head = HTTPRequest(
                method: .put, scheme: nil, authority: "a", path: "/", headerFields: fields)
            channel.pipeline.fireChannelRead(HTTPRequestPart.head(head))
            completed()
        }

        /// The handlers behind want more, as they do unless they have too much.
        func completed(wantsMore: Bool = true) {
            channel.pipeline.fireChannelReadComplete()
            if wantsMore { channel.pipeline.read() }
        }

        func comes(_ bytes: Int, wantsMore: Bool = true) {
            channel.pipeline.fireChannelRead(HTTPRequestPart.body(ByteBuffer(repeating: 0, count: bytes)))
            completed(wantsMore: wantsMore)
        }

        func passes(_ seconds: Int64) { channel.embeddedEventLoop.advanceTime(by: .seconds(seconds)) }

        /// Whether the connection was ended.
        var isEnded: Bool { closes.isAsked }

        /// What the handler meets in the body; `nil`: nothing yet.
        func refusal() -> Refusal? {
            do { try channel.throwIfErrorCaught() } catch { return error as? Refusal }
            return nil
        }
    }

    private final class Closes: ChannelOutboundHandler {
        typealias OutboundIn = HTTPResponsePart

        private(set) var isAsked = false

        func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
            isAsked = true
            promise?.succeed()
        }
    }

    private let large = UploadBody([], maxBytes: .max)

    @Test("lets it take longer than others, which are late after 30 s")
    func longer() throws {
        let other = try Upload(nil)
        let upload = try Upload(large)
        for _ in 0..<100 {
            for request in [other, upload] {
                request.comes(100_000)
                request.passes(1)
            }
        }
        #expect(other.refusal() == .late(ListenerLimits()))
        #expect(upload.refusal() == nil)
    }

    @Test("ends one that does not move, or that a byte comes of now and then")
    func stalled() throws {
        let (silent, dripping) = (try Upload(large), try Upload(large))
        silent.comes(1_000_000)
        silent.passes(29)
        #expect(silent.refusal() == nil)
        silent.passes(1)
        #expect(silent.refusal() == .stalled)
        for _ in 0..<29 {
            dripping.comes(1)
            dripping.passes(1)
        }
        #expect(dripping.refusal() == nil)
        dripping.comes(1)
        dripping.passes(2)
        #expect(dripping.refusal() == .stalled)
    }

    @Test("does not blame a client that is not read, nor one that waits for leave")
    func blameless() throws {
        let held = try Upload(large)
        held.comes(100, wantsMore: false)
        held.passes(1000)
        #expect(held.refusal() == nil)
        held.channel.pipeline.read()
        held.passes(61)
        #expect(held.refusal() == .stalled)
        let waiting = try Upload(large, fields: [.expect: "100-continue"])
        waiting.passes(1000)
        #expect(waiting.refusal() == nil)
        waiting.channel.triggerUserOutboundEvent(RequestGuard.Continue(), promise: nil)
        waiting.passes(61)
        #expect(waiting.refusal() == .stalled)
    }

    @Test("gives one that was answered already no more time than others")
    func answered() throws {
        let upload = try Upload(large)
        upload.comes(1_000_000)
        upload.channel.write(HTTPResponsePart.head(HTTPResponse(status: .forbidden)), promise: nil)
        upload.channel.write(HTTPResponsePart.end(nil), promise: nil)
        for _ in 0..<29 {
            upload.comes(100_000)
            upload.passes(1)
        }
        #expect(!upload.isEnded)
        upload.passes(1)
        #expect(upload.isEnded && upload.refusal() == nil)
    }
}

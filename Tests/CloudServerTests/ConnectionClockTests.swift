import NIOCore
import Testing

@testable import CloudServer

@Suite("The clock of a connection")
struct ConnectionClockTests {
    private let start = NIODeadline.now()
    private let limits = ListenerLimits()

    private func after(_ seconds: Int64) -> NIODeadline { start + .seconds(seconds) }
    private func clock() -> ConnectionClock { ConnectionClock(limits: limits, now: start) }

    @Test("closes a new connection on which nothing comes, without a word")
    func silent() {
        let clock = clock()
        #expect(clock.verdict(after(29)) == .wait)
        #expect(clock.verdict(after(30)) == .close)
    }

    @Test("gives a request 30 s from its first byte, however many bytes follow")
    func slow() {
        var clock = clock()
        for second in 1...29 { clock.heard(after(Int64(second))) }
        #expect(clock.verdict(after(29)) == .wait)
        #expect(clock.verdict(after(30)) == .refuse)
    }

    @Test("gives the next request 75 s to begin, and 30 s from then on")
    func keepAlive() {
        var clock = clock()
        clock.requestBegan(after(1))
        clock.requestEnded(after(2))
        #expect(clock.verdict(after(76)) == .wait)
        #expect(clock.verdict(after(77)) == .close)
        clock.heard(after(70))
        clock.heard(after(80))
        #expect(clock.verdict(after(99)) == .wait)
        #expect(clock.verdict(after(100)) == .refuse)
    }

    @Test("gives an answer up of which nothing moves, and no other")
    func stalled() {
        var clock = clock()
        clock.requestBegan(after(1))
        clock.spoke(after(100))
        #expect(clock.verdict(after(219)) == .wait)
        #expect(clock.verdict(after(220)) == .close)
    }

    @Test("counts the requests of an HTTP/2 connection, and does not take its frames for requests")
    func http2() {
        var clock = clock()
        clock.isHTTP2 = true
        clock.requestBegan(after(1))
        clock.requestBegan(after(2))
        clock.requestEnded(after(3))
        #expect(clock.verdict(after(100)) == .wait, "one is under way")
        clock.requestEnded(after(100))
        for second in 101...200 { clock.heard(after(Int64(second))) }
        #expect(clock.verdict(after(204)) == .wait)
        #expect(clock.verdict(after(205)) == .close)
    }

    @Test("leaves a refused client a moment to read, and lets nothing prolong it")
    func ending() {
        var clock = clock()
        clock.end(after(10))
        clock.heard(after(11))
        clock.requestBegan(after(11))
        #expect(clock.verdict(after(11)) == .wait)
        #expect(clock.verdict(after(12)) == .close)
    }
}

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
        #expect(clock.verdict(after(9)) == .wait)
        #expect(clock.verdict(after(10)) == .close)
    }

    @Test("gives TLS 10 s, and the first byte of a request 10 s from then on")
    func handshake() {
        var clock = clock()
        clock.secured(after(9))
        #expect(clock.verdict(after(18)) == .wait)
        #expect(clock.verdict(after(19)) == .close)
        clock.heard(after(18))
        clock.secured(after(40))
        #expect(clock.verdict(after(47)) == .wait)
        #expect(clock.verdict(after(48)) == .refuse)
    }

    @Test("gives a client 30 s to take some of the bytes that wait for it, whatever else it says")
    func unread() {
        var clock = clock()
        clock.requestBegan(after(1))
        clock.unread(1000, added: 1000, after(1))
        for second in 2...30 {
            clock.heard(after(Int64(second)))
            clock.spoke(after(Int64(second)))
        }
        #expect(clock.verdict(after(30)) == .wait)
        #expect(clock.verdict(after(31)) == .abort)
        clock.unread(999, added: 0, after(30))
        #expect(clock.verdict(after(32)) == .abort, "a thousand bytes take no second")
        clock.unread(0, added: 0, after(31))
        #expect(clock.verdict(after(100)) == .wait)
    }

    @Test("wants 16 KiB read in each second after the first 30, from a client that takes a little at a time")
    func slowReader() {
        var clock = clock()
        clock.requestBegan(after(0))
        clock.unread(32768, added: 32768, after(0))
        clock.unread(32000, added: 0, after(20))
        #expect(clock.verdict(after(31)) == .wait, "two seconds for 32 KiB")
        #expect(clock.verdict(after(32)) == .abort)
        clock.unread(32768, added: 16384, after(31))
        #expect(clock.verdict(after(32)) == .wait, "one more for 16 KiB more")
        #expect(clock.verdict(after(33)) == .abort)
    }

    @Test("gives a request 30 s from its first byte, however many bytes follow")
    func slow() {
        var clock = clock()
        for second in 5...34 { clock.heard(after(Int64(second))) }
        #expect(clock.verdict(after(34)) == .wait)
        #expect(clock.verdict(after(35)) == .refuse)
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

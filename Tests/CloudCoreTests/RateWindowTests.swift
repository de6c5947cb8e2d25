import CloudCore
import Testing

@Suite("The window of the rate limit")
struct RateWindowTests {
    @Test("it lets a client pass as often as the limit says, and tells it what is left and until when")
    func counts() {
        var window = RateWindow<String>(limit: 2, maxClients: 10)
        let verdicts = (0..<4).map { _ in window.take("a", nowMs: 1_500_700) }
        #expect(verdicts.map(\.isAllowed) == [true, true, false, false])
        #expect(verdicts.map(\.remaining) == [1, 0, 0, 0])
        #expect(verdicts.allSatisfy { $0.limit == 2 && $0.resetAtSeconds == 1501 })
    }

    @Test("a look counts nothing, and says what a take would")
    func look() {
        var window = RateWindow<String>(limit: 1, maxClients: 1)
        for _ in 0..<3 { #expect(window.look("a", nowMs: 1).isAllowed) }
        #expect(window.look("a", nowMs: 1).remaining == 1)
        #expect(window.take("a", nowMs: 1).remaining == 0)
        #expect(!window.look("a", nowMs: 1).isAllowed)
        #expect(!window.look("b", nowMs: 1).isAllowed, "more clients than are counted")
        #expect(window.look("b", nowMs: 1000).isAllowed)
    }

    @Test("each client has its own count")
    func clients() {
        var window = RateWindow<String>(limit: 1, maxClients: 10)
        #expect(window.take("a", nowMs: 1).isAllowed)
        #expect(window.take("b", nowMs: 1).isAllowed)
        #expect(!window.take("a", nowMs: 1).isAllowed)
    }

    @Test("a new second, also one before, begins with nothing used")
    func seconds() {
        var window = RateWindow<String>(limit: 1, maxClients: 10)
        let allowed = [1999, 1999, 2000, 2999, 3000, 2500].map { window.take("a", nowMs: $0).isAllowed }
        #expect(allowed == [true, false, true, false, true, true])
    }

    @Test("clients beyond the bound are refused until the second ends, and those before them are not")
    func bound() {
        var window = RateWindow<Int>(limit: 2, maxClients: 3)
        #expect((1...5).map { window.take($0, nowMs: 1).isAllowed } == [true, true, true, false, false])
        #expect(window.take(4, nowMs: 1).remaining == 0)
        #expect(window.take(3, nowMs: 1).isAllowed)
        #expect(window.take(4, nowMs: 1000).isAllowed)
    }
}

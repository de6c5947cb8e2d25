import Testing

@testable import CloudWorker

@Suite("The wake")
struct WakeTests {
    /// Longer than any test may take: a wait that lasts so long was not woken.
    static let never = Duration.seconds(600)
    static let short = Duration.milliseconds(20)

    @Test("a signal that nobody waits for ends the next wait, and that one alone")
    func oneSignal() async {
        let wake = Wake()
        wake.signal()
        await wake.wait(atMost: Self.never)
        await expectFullWait(wake)
    }

    @Test("several signals that nobody waits for are kept as one")
    func manySignals() async {
        let wake = Wake()
        for _ in 0..<3 { wake.signal() }
        await wake.wait(atMost: Self.never)
        await expectFullWait(wake)
    }

    @Test("a signal ends the wait under way, and no other", .timeLimit(.minutes(1)))
    func signalWhileWaiting() async {
        let wake = Wake()
        async let waited: Void = wake.wait(atMost: Self.never)
        await Task.yield()
        wake.signal()
        await waited
        await expectFullWait(wake)
    }

    @Test("a wait whose time is up leaves nothing behind")
    func timeUp() async {
        let wake = Wake()
        await expectFullWait(wake)
        await expectFullWait(wake)
    }

    @Test("a wait ends when its task is cancelled", .timeLimit(.minutes(1)))
    func cancelled() async {
        let wake = Wake()
        let task = Task { await wake.wait(atMost: Self.never) }
        task.cancel()
        await task.value
        await expectFullWait(wake)
    }

    private func expectFullWait(_ wake: Wake) async {
        let start = ContinuousClock.now
        await wake.wait(atMost: Self.short)
        #expect(ContinuousClock.now - start >= Self.short, "nobody signalled")
    }
}

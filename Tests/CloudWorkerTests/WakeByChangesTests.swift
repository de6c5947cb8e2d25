import CloudCore
import CloudDatabase
import CloudTesting
import Testing

@testable import CloudWorker

@Suite("The wake by other programs", .timeLimit(.minutes(1)))
struct WakeByChangesTests {
    @Test("every job that another program gives to the host wakes the worker, and its end ends it")
    func wakes() async throws {
        let (changes, wake, claim) = (Changes(), Wake(), HostClaim())
        let asked = Tally()
        let service = Task {
            try await WakeByChanges(
                claim: claim,
                jobs: { hostId in
                    asked.add(hostId)
                    return changes
                }, clock: SystemClock(), wake: wake
            ).run()
        }
        claim.take(hostId: 7, epoch: 1, sharesDisks: false)
        for _ in 0..<3 {
            try await eventually("it waits") { changes.waiting == 1 }
            changes.signal()
            await wake.wait(atMost: WakeTests.never)
        }
        let hosts = asked.numbers
        #expect(hosts == [7])
        service.cancel()
        _ = await service.result
        #expect(changes.waiting == 0)
    }
}

import CloudDatabase
import CloudTesting
import Testing

@testable import CloudWorker

@Suite("The wake by other programs", .timeLimit(.minutes(1)))
struct WakeByChangesTests {
    @Test("every commit that is told wakes the worker, and its end ends it")
    func wakes() async throws {
        let (changes, wake) = (Changes(), Wake())
        let service = Task { try await WakeByChanges(changes: changes, wake: wake).run() }
        for _ in 0..<3 {
            try await eventually("it waits") { changes.waiting == 1 }
            changes.signal()
            await wake.wait(atMost: WakeTests.never)
        }
        service.cancel()
        _ = await service.result
        #expect(changes.waiting == 0)
    }
}

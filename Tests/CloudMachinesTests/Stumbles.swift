import Synchronization
import Testing

@testable import CloudMachines

/// Lets programs end amid their work, one fault at a time.
final class Stumbles: Sendable {
    struct Crash: Error {}

    private static let maxAttempts = 3

    private let passed = Mutex<Set<HostEffect>>([])

    /// All that something has stumbled at.
    var met: Set<HostEffect> { passed.withLock { $0 } }

    /// Asks again after the crash, which must come about.
    func meet<T>(
        _ effect: HostEffect, _ moment: HostEffect.Moment, mustPass: Bool = true,
        _ body: () async throws -> T
    ) async throws -> T {
        let isDue = Mutex(true)
        let result = try await HostEffect.$interruption.withValue({ made, when in
            guard (made, when) == (effect, moment),
                isDue.withLock({ due in
                    defer { due = false }
                    return due
                })
            else { return }
            self.passed.withLock { _ = $0.insert(effect) }
            throw Crash()
        }) {
            for _ in 1..<Self.maxAttempts {
                do { return try await body() } catch is Crash { continue }
            }
            return try await body()
        }
        #expect(!mustPass || isDue.withLock { !$0 }, "nothing passes \(effect), \(moment)")
        return result
    }

    /// Lets the program end there for good.
    func stop(after effect: HostEffect, _ body: () async throws -> Void) async {
        do {
            try await HostEffect.$interruption.withValue({ made, when in
                if (made, when) == (effect, .after) { throw Crash() }
            }) { try await body() }
            Issue.record("nothing passes \(effect)")
        } catch is Crash {
            return
        } catch {
            Issue.record("after \(effect): \(error)")
        }
    }
}

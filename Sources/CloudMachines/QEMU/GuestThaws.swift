import Synchronization

/// Thaws of guests that this process asks for while nobody waits for them: one at a time for each machine, and none while its
/// guest is held still on purpose. What is to be thawed stands in the machines' folders (`MachineDirectory.frozen`).
final class GuestThaws: Sendable {
    private struct Attempt {
        var task: Task<Void, Never>?
        var beganAt = ContinuousClock.now
        var isPaused = false
    }

    private let all = Mutex<[Int64: Attempt]>([:])

    /// From the begin of an attempt to that of the next.
    private static let interval = Duration.seconds(1)

    /// Lets `body` run on after this call, unless it is too early for it. It returns whether the guest is thawed, within the
    /// limits of its agent.
    func begin(_ id: Int64, _ body: @escaping @Sendable () async -> Bool) {
        all.withLock { all in
            if let last = all[id] {
                let isEarly = ContinuousClock.now - last.beganAt < Self.interval
                guard last.task == nil, !last.isPaused, !isEarly else { return }
            }
            // Unstructured, since it outlives the look that began it; `body` is bounded.
            all[id] = Attempt(task: Task { finish(id, isThawed: await body()) })
        }
    }

    private func finish(_ id: Int64, isThawed: Bool) {
        all.withLock { all in
            all[id]?.task = nil
            if isThawed, all[id]?.isPaused == false { all[id] = nil }
        }
    }

    /// Runs `body` once the attempt that is under way has ended, and begins none before `body` has. Calls for one machine do
    /// not overlap.
    func pausing<Result>(
        _ id: Int64, isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Result
    ) async rethrows -> Result {
        let task = all.withLock { all in
            all[id, default: Attempt()].isPaused = true
            return all[id]?.task
        }
        await task?.value
        defer { all.withLock { $0[id] = nil } }
        return try await body()
    }
}

import Synchronization

/// Runs all Swift concurrency of one thread in an order that a seed decides, on simulated time. Nothing runs beside it, so
/// a history is the same each time.
///
/// Tasks that prefer this executor come here by themselves. Those that don't, such as an unstructured task of an actor,
/// come by the runtime's hook (`RuntimeHook`). `Task.sleep` and `Task.yield` of the latter would escape to the
/// runtime's own threads: code that is simulated sleeps by `CloudClock`.
final class SimulationExecutor: TaskExecutor {
    private enum Ready {
        case job(UnownedJob)
        case pause(UnsafeContinuation<Void, Never>)
    }

    private struct State {
        var ready: [Ready] = []
        var random: SeededRandom
    }

    private let state: Mutex<State>

    /// Jobs of one history. A history has some ten thousand; one that has more runs in circles.
    static let maxJobs = 3_000_000

    init(seed: UInt64) { state = Mutex(State(random: SeededRandom(seed: seed ^ 0x5C4E_D01E))) }

    func enqueue(_ job: consuming ExecutorJob) { add(UnownedJob(job)) }

    func add(_ job: UnownedJob) { state.withLock { $0.ready.append(.job(job)) } }

    /// Lets whatever else is ready go first, or not, as the seed decides.
    func pause() async {
        await withUnsafeContinuation { continuation in
            state.withLock { $0.ready.append(.pause(continuation)) }
        }
    }

    /// Runs `body` and all that it starts on this thread, and returns its value once it has ended. Throws when nothing can
    /// go on any more, and when it does not end.
    /// - Parameter timePasses: wakes the next sleeper; false when nobody sleeps.
    func run<T: Sendable>(
        timePasses: () -> Bool, _ body: @escaping @Sendable () async -> T
    ) throws(SimulationError) -> T {
        try RuntimeHook.routing(to: self) { () throws(SimulationError) -> T in
            let outcome = Outcome<T>()
            Task(executorPreference: self) { outcome.set(await body()) }
            for _ in 0..<Self.maxJobs {
                if let next = takeOne() {
                    run(next)
                } else if let value = outcome.value {
                    return value
                } else if !timePasses() {
                    throw SimulationError("Nothing can go on: somebody waits for what no one will do.")
                }
            }
            throw SimulationError("The history did not end within \(Self.maxJobs) jobs.")
        }
    }

    private func takeOne() -> Ready? {
        state.withLock { state in
            guard !state.ready.isEmpty else { return nil }
            let index = state.random.below(state.ready.count)
            state.ready.swapAt(index, state.ready.count - 1)
            return state.ready.removeLast()
        }
    }

    private func run(_ next: Ready) {
        switch next {
        case .job(let job): job.runSynchronously(on: asUnownedTaskExecutor())
        case .pause(let continuation): continuation.resume()
        }
    }
}

/// What a task returned.
private final class Outcome<T: Sendable>: Sendable {
    private let state = Mutex<T?>(nil)

    var value: T? { state.withLock { $0 } }

    func set(_ value: T) { state.withLock { $0 = value } }
}

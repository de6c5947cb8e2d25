#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Leads jobs of the Swift runtime that are enqueued on a thread with a `SimulationExecutor` to that executor, and leaves
/// those of all other threads alone. The runtime exports `swift_task_enqueueGlobal_hook` for this.
enum RuntimeHook {
    private typealias Original = @convention(thin) (UnownedJob) -> Void
    private typealias Hook = @convention(thin) (UnownedJob, Original) -> Void

    /// The thread's executor; a bare key, since thread-locals of Swift's need a task.
    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        // Safe: writes the local alone.
        pthread_key_create(&key, nil)
        return key
    }()

    private static let isInstalled: Bool = {
        _ = key
        // Safe: the symbol is a variable of this type in libswift_Concurrency, written once, before any simulation.
        guard let symbol = dlsym(dlopen(nil, RTLD_NOW), "swift_task_enqueueGlobal_hook") else { return false }
        symbol.assumingMemoryBound(to: Hook?.self).pointee = { job, original in
            if let executor = RuntimeHook.current { executor.add(job) } else { original(job) }
        }
        return true
    }()

    private static var current: SimulationExecutor? {
        // Safe: set by `routing` alone, which keeps the executor alive for as long.
        pthread_getspecific(key).map { Unmanaged<SimulationExecutor>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Runs `body` with this thread's jobs led to `executor`. Throws when the runtime has no such hook.
    static func routing<T>(
        to executor: SimulationExecutor, _ body: () throws(SimulationError) -> T
    ) throws(SimulationError) -> T {
        guard isInstalled else {
            throw SimulationError("The Swift runtime has no swift_task_enqueueGlobal_hook.")
        }
        // Safe: the executor outlives the call, at whose end the thread forgets it.
        pthread_setspecific(key, Unmanaged.passUnretained(executor).toOpaque())
        defer { pthread_setspecific(key, nil) }
        return try body()
    }
}

/// Why a simulation could not be carried out, which is no finding about what is simulated.
public struct SimulationError: Error, Sendable, CustomStringConvertible {
    public var description: String

    init(_ description: String) { self.description = description }
}

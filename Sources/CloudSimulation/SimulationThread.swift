import Foundation

/// A thread of its own for simulations: they keep it busy, and must not share it with tasks of the runtime's.
public enum SimulationThread {
    /// Bytes; inlined continuations of the runtime's can go deep.
    private static let stackSize = 16 << 20

    /// Starts `body` on a new thread, and returns at once.
    public static func start(_ body: @escaping @Sendable () -> Void) {
        let thread = Thread(block: body)
        thread.stackSize = stackSize
        thread.start()
    }

    /// Runs `body` on a new thread, and returns or throws once it has ended.
    public static func run<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            start { continuation.resume(with: Result(catching: body)) }
        }
    }
}

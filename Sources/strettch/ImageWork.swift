import CloudCore
import CloudMachines
import Synchronization
import UnixSignals

/// Runs long work on an image in front of a person: shows how far it is, and ends it properly on Ctrl-C.
enum ImageWork {
    static func run(
        _ image: Image, in store: ImageStore,
        _ work: @escaping @Sendable (@escaping @Sendable (ImageProgress) -> Void) async throws -> Void
    ) async throws {
        let lines = Mutex(
            OutputImageProgress(isTerminal: OutputStreams.isTerminal, columns: OutputStreams.columns))
        let start = ContinuousClock.now
        let show: @Sendable (ImageProgress) -> Void = { progress in
            lines.withLock { OutputStreams.progress($0.show(progress, elapsed: .now - start)) }
        }
        do {
            try await untilSignal { try await work(show) }
        } catch {
            lines.withLock { OutputStreams.progress($0.finish()) }
            await store.shutdown()
            throw error
        }
        lines.withLock { OutputStreams.progress($0.finish()) }
        let listing = await store.list([image]).first
        try OutputStreams.result("\(image.image) is ready: \(listing?.disk ?? "")")
    }

    /// Cancels the work on SIGINT and SIGTERM, so that what it started ends too; throws then.
    private static func untilSignal(_ work: @escaping @Sendable () async throws -> Void) async throws {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await work()
                return true
            }
            group.addTask {
                for await _ in signals { return false }
                // Cancelled, since the work is done.
                return true
            }
            defer { group.cancelAll() }
            guard try await group.next() == true else {
                throw CloudError(
                    .conflict, "Stopped. What was downloaded is kept, and the next try goes on from there.")
            }
        }
    }
}

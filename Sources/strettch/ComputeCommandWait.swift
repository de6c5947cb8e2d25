import ArgumentParser
import CloudClient
import CloudWire

/// Waiting for a compute, with its progress on the screen.
enum ComputeCommandWait {
    /// Half an hour: a full guest without hardware virtualization needs minutes, a new image may need more.
    static let defaultTimeoutSeconds = 1800
    private static let maxTimeoutSeconds = 86_400
    /// Where a create can end, its owner's other wishes included.
    static let createdStates = ["RUNNING", "FAILED", "STOPPED", "DESTROYING"]

    /// Throws `ValidationError` for a time that is none.
    static func validate(timeoutSeconds: Int) throws {
        guard (1...maxTimeoutSeconds).contains(timeoutSeconds) else {
            throw ValidationError(
                "--timeout: \(timeoutSeconds) is not between 1 and \(maxTimeoutSeconds) seconds.")
        }
    }

    /// Shows the compute's steps on standard error until `isReached`, or the time is up.
    /// - Parameter states: the server is asked to answer as soon as the compute is in one of them.
    static func wait(
        _ id: String, _ client: StrettchClient, timeoutSeconds: Int, for states: [String] = [],
        until isReached: (ComputeWire?) -> Bool
    ) async throws -> WaitOutcome {
        var progress = OutputProgress(isTerminal: OutputStreams.isTerminal, columns: OutputStreams.columns)
        defer { OutputStreams.progress(progress.finish()) }
        return try await client.wait(
            id: id, bounds: WaitBounds(timeout: .seconds(timeoutSeconds)), for: states, until: isReached
        ) { compute, elapsed in
            OutputStreams.progress(progress.show(compute, elapsed: elapsed))
        }
    }

    /// The running compute. Throws `CommandFailure` with status 8 and the reason for one that does not run.
    static func running(_ outcome: WaitOutcome, name: String, timeoutSeconds: Int) throws -> ComputeWire {
        switch outcome {
        case .reached(let compute?) where compute.state == "RUNNING": return compute
        case .reached(let compute?):
            let failure = compute.failure
            throw CommandFailure(
                .notReached, code: failure?.code,
                "\(name) is \(compute.state)" + (failure.map { ": \($0.message)" } ?? "."))
        case .reached(nil): throw CommandFailure(.notReached, "\(name) was deleted in the meantime.")
        case .timedOut(let compute): throw timedOut(compute, name: name, timeoutSeconds: timeoutSeconds)
        }
    }

    /// The compute, to which nothing is being done any more. Throws `CommandFailure` with status 8 otherwise.
    static func ended(_ outcome: WaitOutcome, name: String, timeoutSeconds: Int) throws -> ComputeWire {
        switch outcome {
        case .reached(let compute?): return compute
        case .reached(nil): throw CommandFailure(.notReached, "\(name) was deleted in the meantime.")
        case .timedOut(let compute): throw timedOut(compute, name: name, timeoutSeconds: timeoutSeconds)
        }
    }

    /// Throws `CommandFailure` with status 8 unless nothing is left of the compute.
    static func gone(_ outcome: WaitOutcome, name: String, timeoutSeconds: Int) throws {
        switch outcome {
        case .reached: return
        case .timedOut(let compute): throw timedOut(compute, name: name, timeoutSeconds: timeoutSeconds)
        }
    }

    private static func timedOut(_ compute: ComputeWire?, name: String, timeoutSeconds: Int) -> CommandFailure
    {
        let step = compute?.task.map { " (\($0.step)\($0.note.map { ": \($0)" } ?? ""))" } ?? ""
        return CommandFailure(
            .notReached,
            "\(name) is still \(compute?.state ?? "unknown")\(step) after \(timeoutSeconds) s. The work goes on; "
                + "look again with `strettch compute list`.")
    }
}

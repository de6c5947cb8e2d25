import ArgumentParser
import CloudClient
import CloudWire

/// Waiting for a resource, whatever its kind, with the progress of its work on the screen.
enum CommandWait {
    /// Half an hour: a full guest without hardware virtualization needs minutes, a new image may need more.
    static let defaultTimeoutSeconds = 1800
    private static let maxTimeoutSeconds = 86_400

    /// Throws `ValidationError` for a time that is not in its range.
    static func validate(timeoutSeconds: Int) throws {
        guard (1...maxTimeoutSeconds).contains(timeoutSeconds) else {
            throw ValidationError(
                "--timeout: \(timeoutSeconds) is not between 1 and \(maxTimeoutSeconds) seconds.")
        }
    }

    /// Shows on standard error what each look finds.
    /// - Parameter wait: looks until it is over, and calls its argument after each look.
    static func showing<Resource: LiveResourceWire>(
        _ wait: ((Resource?, Duration) -> Void) async throws -> WaitOutcome<Resource>
    ) async throws -> WaitOutcome<Resource> {
        var progress = OutputProgress(isTerminal: OutputStreams.isTerminal, columns: OutputStreams.columns)
        defer { OutputStreams.progress(progress.finish()) }
        return try await wait { resource, elapsed in
            OutputStreams.progress(progress.show(resource, elapsed: elapsed))
        }
    }

    /// The resource in one of the states. Throws `CommandFailure` with status 8 and the reason for another.
    static func reached<Resource: LiveResourceWire>(
        _ outcome: WaitOutcome<Resource>, _ states: [String], name: String, timeoutSeconds: Int
    ) throws -> Resource {
        let resource = try ended(outcome, name: name, timeoutSeconds: timeoutSeconds)
        guard !states.contains(resource.state) else { return resource }
        let failure = resource.failure
        throw CommandFailure(
            .notReached, code: failure?.code,
            "\(name) is \(resource.state)" + (failure.map { ": \($0.message)" } ?? "."))
    }

    /// The resource, to which nothing is being done any more. Throws `CommandFailure` with status 8 otherwise.
    static func ended<Resource: LiveResourceWire>(
        _ outcome: WaitOutcome<Resource>, name: String, timeoutSeconds: Int
    ) throws -> Resource {
        switch outcome {
        case .reached(let resource?): return resource
        case .reached(nil): throw CommandFailure(.notReached, "\(name) was deleted in the meantime.")
        case .timedOut(let resource): throw timedOut(resource, name: name, timeoutSeconds: timeoutSeconds)
        }
    }

    /// Throws `CommandFailure` with status 8 unless nothing is left of the resource.
    static func gone<Resource: LiveResourceWire>(
        _ outcome: WaitOutcome<Resource>, name: String, timeoutSeconds: Int
    ) throws {
        switch outcome {
        case .reached: return
        case .timedOut(let resource): throw timedOut(resource, name: name, timeoutSeconds: timeoutSeconds)
        }
    }

    private static func timedOut<Resource: LiveResourceWire>(
        _ resource: Resource?, name: String, timeoutSeconds: Int
    ) -> CommandFailure {
        let step = resource?.task.map { " (\($0.step)\($0.note.map { ": \($0)" } ?? ""))" } ?? ""
        return CommandFailure(
            .notReached,
            "\(name) is still \(resource?.state ?? "unknown")\(step) after \(timeoutSeconds) s. The work goes on; "
                + "look again with `strettch \(Resource.noun) list`.")
    }
}

import CloudClient
import CloudWire

/// Waiting for a compute, with its progress on the screen.
enum ComputeCommandWait {
    /// Where a create can end, its owner's other wishes included.
    static let createdStates = ["RUNNING", "FAILED", "STOPPED", "DESTROYING"]

    /// Shows the compute's steps on standard error until `isReached`, or the time is up.
    /// - Parameter states: the server is asked to answer as soon as the compute is in one of them.
    static func wait(
        _ id: String, _ client: StrettchClient, timeoutSeconds: Int, for states: [String] = [],
        until isReached: (ComputeWire?) -> Bool
    ) async throws -> WaitOutcome<ComputeWire> {
        try await CommandWait.showing { onLook in
            try await client.wait(
                id: id, bounds: WaitBounds(timeout: .seconds(timeoutSeconds)), for: states, until: isReached,
                onLook: onLook)
        }
    }

    /// The running compute. Throws `CommandFailure` with status 8 and the reason for one that does not run.
    static func running(
        _ outcome: WaitOutcome<ComputeWire>, name: String, timeoutSeconds: Int
    ) throws -> ComputeWire {
        try CommandWait.reached(outcome, ["RUNNING"], name: name, timeoutSeconds: timeoutSeconds)
    }
}

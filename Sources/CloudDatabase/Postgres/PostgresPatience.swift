import CloudCore

/// How often a transaction is tried again, and with which pauses: growing, and different for each, so that those which
/// were in each other's way part.
struct PostgresPatience: Sendable {
    private var attempts = 0

    /// Runs of one transaction.
    static let mostAttempts = 12
    /// The longest first pause. Each further one may be twice as long, up to `longestPauseMs`.
    static let firstPauseMs = 4.0
    static let longestPauseMs = 400.0

    /// Returns when it is time to try again. Throws what the caller is to be told when that does not help, when it was
    /// tried often enough, and when the task is cancelled.
    mutating func pause(after error: any Error) async throws {
        guard let error = error as? PostgresError else { throw error }
        attempts += 1
        switch error.remedy {
        case .again, .elsewhere: break
        case .later, .space, .none: throw error.cloudError
        }
        guard attempts < Self.mostAttempts else { throw error.cloudError }
        let most = min(Self.longestPauseMs, Self.firstPauseMs * Double(1 << attempts))
        try await Task.sleep(for: .milliseconds(Double.random(in: most / 2...most)))
    }
}

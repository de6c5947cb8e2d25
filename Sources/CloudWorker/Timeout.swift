import CloudCore

/// Cancels `body` after `limit` and throws that `what` took too long.
func withTimeout<T: Sendable>(
    _ limit: Duration, _ what: String, _ body: @escaping @Sendable () async throws -> T
) async throws -> T {
    try await withThrowingTaskGroup(of: T.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(for: limit)
            throw CloudError(.internalServerError, "\(what) took longer than \(limit).")
        }
        defer { group.cancelAll() }
        guard let first = try await group.next() else { throw CloudError.bug("an empty task group") }
        return first
    }
}

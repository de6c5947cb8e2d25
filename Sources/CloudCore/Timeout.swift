/// Runs `body`; cancels it after `limit` by the clock and throws `late` in its place. Returns or throws once `body` has ended.
public func withTimeout<T: Sendable>(
    _ limit: Duration, by clock: any CloudClock = SystemClock(),
    late: @escaping @autoclosure @Sendable () -> CloudError,
    _ body: @escaping @Sendable () async throws -> T
) async throws -> T {
    try await withThrowingTaskGroup(of: T.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await clock.sleep(for: limit)
            throw late()
        }
        defer { group.cancelAll() }
        guard let first = try await group.next() else { throw CloudError.bug("an empty task group") }
        return first
    }
}

extension CloudError {
    /// What takes longer than it may, where no more can be said.
    public static func late(_ what: String, after limit: Duration) -> CloudError {
        CloudError(.internalServerError, "\(what) took longer than \(limit).")
    }
}

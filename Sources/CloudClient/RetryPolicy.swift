/// How often and how quickly a call is sent again when the server can't be reached or says that it is busy.
///
/// Every call of the API can be repeated: reads and deletes by their nature, a create by its idempotency key.
public struct RetryPolicy: Sendable, Equatable {
    /// How often a call is sent in all, at least once.
    public var attempts: Int
    /// How often it is sent in all while the server answers 429: it is not failing then, but lets others go first.
    public var limitedAttempts: Int
    /// Milliseconds before the second attempt; doubles with each further one.
    public var firstDelayMs: Int
    /// The longest delay of our own, in milliseconds.
    public var maxDelayMs: Int
    /// The longest that a server's `Retry-After` is obeyed, in seconds.
    public var maxRetryAfterSeconds: Int

    public init(
        attempts: Int = 4, limitedAttempts: Int = 30, firstDelayMs: Int = 200, maxDelayMs: Int = 5000,
        maxRetryAfterSeconds: Int = 30
    ) {
        self.attempts = max(1, attempts)
        self.limitedAttempts = max(1, limitedAttempts)
        self.firstDelayMs = firstDelayMs
        self.maxDelayMs = maxDelayMs
        self.maxRetryAfterSeconds = maxRetryAfterSeconds
    }

    /// One attempt and no more.
    public static let never = RetryPolicy(attempts: 1, limitedAttempts: 1)

    /// The delay after attempt number `attempt`, counted from 1. Half of it is random, so that clients which failed
    /// together do not come back together.
    ///
    /// - Parameter random: a number from 0 up to, not including, 1.
    public func delay(afterAttempt attempt: Int, retryAfterSeconds: Int?, random: Double) -> Duration {
        let doublings = min(max(0, attempt - 1), 16)
        let whole = min(firstDelayMs << doublings, maxDelayMs)
        let jittered = Double(whole) * (0.5 + random / 2)
        let asked = min(max(0, retryAfterSeconds ?? 0), maxRetryAfterSeconds) * 1000
        return .milliseconds(max(Int(jittered), asked))
    }
}

/// How often clients may ask within one second, which begins and ends with the Unix second (API reference,
/// "Idempotency, rate limits"). All clients share the window's second, so a new one forgets them all at once.
public struct RateWindow<Client: Hashable & Sendable>: Sendable {
    /// Requests of one client in one second.
    public let limit: Int
    /// Clients that are counted in one second, which bounds the memory; others are refused until it ends.
    public let maxClients: Int
    private var second: Int64 = 0
    private var used: [Client: Int] = [:]

    public init(limit: Int, maxClients: Int) {
        self.limit = limit
        self.maxClients = maxClients
    }

    /// Counts one request of the client, and decides whether it may go on. A refused one uses nothing up.
    public mutating func take(_ client: Client, nowMs: Int64) -> RateVerdict {
        var verdict = look(client, nowMs: nowMs)
        if verdict.isAllowed {
            count(client)
            verdict.remaining -= 1
        }
        return verdict
    }

    /// Decides whether one more request of the client may go on, without counting it: `remaining` has it among those left.
    public mutating func look(_ client: Client, nowMs: Int64) -> RateVerdict {
        if nowMs / 1000 != second {
            second = nowMs / 1000
            used.removeAll(keepingCapacity: true)
        }
        let before = used[client] ?? (used.count < maxClients ? 0 : limit)
        return RateVerdict(
            isAllowed: before < limit, limit: limit, remaining: limit - before, resetAtSeconds: second + 1)
    }

    /// Counts a request that `look` has just allowed.
    public mutating func count(_ client: Client) { used[client, default: 0] += 1 }
}

/// What a client may still ask for.
public struct RateVerdict: Sendable, Equatable {
    public var isAllowed: Bool
    /// Requests in a second.
    public var limit: Int
    /// Requests that are left of it.
    public var remaining: Int
    /// When the next second begins, in Unix seconds.
    public var resetAtSeconds: Int64

    public init(isAllowed: Bool, limit: Int, remaining: Int, resetAtSeconds: Int64) {
        self.isAllowed = isAllowed
        self.limit = limit
        self.remaining = remaining
        self.resetAtSeconds = resetAtSeconds
    }
}

import CloudCore
import HTTPTypes
import Synchronization

/// Counts the requests of each API key, and those without a valid one by where they come from.
final class RateLimiter: Sendable {
    /// Requests without a valid key from one peer in a second. Generous, since many people may share an address.
    static let peerLimit = 100
    /// Keys, and peers, that are counted in one second.
    static let maxClients = 10_000

    /// Who has a number of requests of his own.
    enum Client: Hashable, Sendable {
        case key(Int64)
        /// By the compute's id.
        case guest(Int64)
    }

    private let clock: any CloudClock
    private let keys: Mutex<RateWindow<Client>>
    private let peers = Mutex(RateWindow<Peer>(limit: peerLimit, maxClients: maxClients))

    /// - Parameter keyLimit: requests of one key in a second; `nil` is returned for 0, which sets no limit.
    init?(keyLimit: Int, clock: any CloudClock) {
        guard keyLimit > 0 else { return nil }
        self.clock = clock
        keys = Mutex(RateWindow(limit: keyLimit, maxClients: Self.maxClients))
    }

    func take(_ client: Client) -> RateVerdict { keys.withLock { $0.take(client, nowMs: clock.nowMs) } }

    func take(_ peer: Peer) -> RateVerdict { peers.withLock { $0.take(peer, nowMs: clock.nowMs) } }
}

extension RateVerdict {
    /// What a request is answered with that may not go on.
    var refusal: CloudError {
        CloudError(
            .tooManyRequests,
            "More than \(limit) requests in a second. Wait until the time in x-ratelimit-reset, a second at most, and "
                + "send no more than x-ratelimit-limit requests in each second.")
    }

    /// Tells the client how it stands (API reference, "Idempotency, rate limits").
    func stamp(_ headers: inout HTTPFields) {
        headers[.rateLimitLimit] = "\(limit)"
        headers[.rateLimitRemaining] = "\(remaining)"
        headers[.rateLimitReset] = "\(resetAtSeconds)"
    }
}

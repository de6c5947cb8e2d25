import CloudCore
import HTTPTypes
import Synchronization

/// Counts the requests of each API key, of its team's keys together, and those without a valid key by where they come from.
/// Each of the three has a limit of its own, and 0 sets none for it alone.
final class RateLimiter: Sendable {
    /// Peers of one IPv6 site that can use up their limits together: a site has 65,536 of them.
    static let peersOfSite = 10
    /// Keys, teams, peers, and sites, that are counted in one second.
    static let maxClients = 10_000

    /// What has a limit of its own.
    enum Client: Hashable, Sendable {
        case key(Int64)
        /// By the compute's id.
        case guest(Int64)
    }

    /// Clients that also have one limit together, by their team's id. Guests don't count with the keys: one that is taken
    /// over must not shut its team out.
    enum Group: Hashable, Sendable {
        case keys(teamId: Int64)
        case guests(teamId: Int64)
    }

    /// Those of a kind of client, and of what they belong to. `nil` where no limit is set.
    private struct Windows<One: Hashable & Sendable, Together: Hashable & Sendable> {
        var clients: RateWindow<One>?
        var groups: RateWindow<Together>?

        init(_ limit: Int, together: Int) {
            clients = limit > 0 ? RateWindow(limit: limit, maxClients: RateLimiter.maxClients) : nil
            groups = together > 0 ? RateWindow(limit: together, maxClients: RateLimiter.maxClients) : nil
        }

        /// - Parameter group: `nil` for one that belongs to none.
        mutating func take(_ client: One, of group: Together?, nowMs now: Int64) -> RateVerdict? {
            // The group first: what it refuses makes no entry for the client, of which there may be many.
            if let group, let together = groups?.look(group, nowMs: now), !together.isAllowed {
                return together
            }
            let own = clients?.take(client, nowMs: now)
            guard own?.isAllowed != false, let group, let together = groups?.take(group, nowMs: now) else {
                return own
            }
            guard let own, own.remaining <= together.remaining else { return together }
            return own
        }
    }

    private let clock: any CloudClock
    private let keys: Mutex<Windows<Client, Group>>
    private let peers: Mutex<Windows<Peer, UInt64>>

    /// Limits are for one second; 0: any number.
    /// - Parameters:
    ///   - keyLimit: requests of one key.
    ///   - teamLimit: requests of all keys of a team together.
    ///   - peerLimit: requests without a valid key from one peer. Generous, since many people may share an address.
    init(keyLimit: Int, teamLimit: Int, peerLimit: Int, clock: any CloudClock) {
        self.clock = clock
        keys = Mutex(Windows(keyLimit, together: teamLimit))
        peers = Mutex(Windows(peerLimit, together: peerLimit * Self.peersOfSite))
    }

    /// Counts one request of the client and of its group, if neither has used its limit up. Tells of the one that leaves
    /// fewer requests; `nil` where neither has a limit.
    func take(_ client: Client, of group: Group) -> RateVerdict? {
        keys.withLock { $0.take(client, of: group, nowMs: clock.nowMs) }
    }

    /// Counts one request of the peer, and of its site if it has one.
    func take(_ peer: Peer) -> RateVerdict? {
        peers.withLock { $0.take(peer, of: peer.site, nowMs: clock.nowMs) }
    }
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

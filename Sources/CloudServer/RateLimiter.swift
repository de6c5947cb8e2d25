import CloudCore
import HTTPTypes
import Synchronization

/// Counts the requests of each API key and of its team's keys together, and those without a valid key by where they come
/// from.
final class RateLimiter: Sendable {
    /// Requests without a valid key from one peer in a second. Generous, since many people may share an address.
    static let peerLimit = 100
    /// Keys, teams, and peers, that are counted in one second.
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

    private struct Windows {
        var clients: RateWindow<Client>
        /// `nil` where none is set.
        var groups: RateWindow<Group>?
    }

    private let clock: any CloudClock
    private let windows: Mutex<Windows>
    private let peers = Mutex(RateWindow<Peer>(limit: peerLimit, maxClients: maxClients))

    /// - Parameters:
    ///   - keyLimit: requests of one key in a second; `nil` is returned for 0, which sets no limit, for a team neither.
    ///   - teamLimit: requests of all keys of a team together; 0: any number.
    init?(keyLimit: Int, teamLimit: Int, clock: any CloudClock) {
        guard keyLimit > 0 else { return nil }
        self.clock = clock
        windows = Mutex(
            Windows(
                clients: RateWindow(limit: keyLimit, maxClients: Self.maxClients),
                groups: teamLimit > 0 ? RateWindow(limit: teamLimit, maxClients: Self.maxClients) : nil))
    }

    /// Counts one request of the client and of its group, if neither has used its limit up. Tells of the one that leaves
    /// fewer requests.
    func take(_ client: Client, of group: Group) -> RateVerdict {
        let now = clock.nowMs
        return windows.withLock { windows in
            // The group first: what it refuses makes no entry for the client, of which there may be many.
            if let together = windows.groups?.look(group, nowMs: now), !together.isAllowed { return together }
            let own = windows.clients.take(client, nowMs: now)
            guard own.isAllowed, let together = windows.groups?.take(group, nowMs: now) else { return own }
            return together.remaining < own.remaining ? together : own
        }
    }

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

import CloudCore
import Synchronization

/// How many requests each guest may still make: a bucket for each address, which fills at a steady rate.
final class GuestRate: Sendable {
    /// Requests that a guest may make in one go: a boot reads the whole tree.
    static let burst: Int64 = 50
    /// Between two requests of a guest that makes many, in milliseconds: 5 a second.
    static let pauseMs: Int64 = 200
    /// Addresses that are remembered. Each is a guest's, since nobody else reaches us, so there are seldom as many.
    static let maxRemembered = 65536

    /// When each guest's bucket will be full, in milliseconds since 1970. What has passed need not be remembered.
    private let fullAtMs = Mutex<[IPv4Address: Int64]>([:])

    var remembered: Int { fullAtMs.withLock(\.count) }

    /// Counts a request. Throws `TOO_MANY_REQUESTS` when the guest has made too many, and then it is not counted.
    func count(_ address: IPv4Address, nowMs: Int64) throws(CloudError) {
        let isAllowed = fullAtMs.withLock { fullAtMs in
            if fullAtMs.count >= Self.maxRemembered { fullAtMs = fullAtMs.filter { $0.value > nowMs } }
            if fullAtMs.count >= Self.maxRemembered { fullAtMs = [:] }
            // No later than that, or a clock that was set back would shut the guest out.
            let empty = nowMs + Self.burst * Self.pauseMs
            let fullAt = min(max(fullAtMs[address] ?? 0, nowMs), empty)
            let isAllowed = fullAt + Self.pauseMs <= empty
            fullAtMs[address] = isAllowed ? fullAt + Self.pauseMs : fullAt
            return isAllowed
        }
        guard !isAllowed else { return }
        throw CloudError(
            .tooManyRequests,
            "This compute asks for its metadata more than \(1000 / Self.pauseMs) times a second. Ask again in a second."
        )
    }
}

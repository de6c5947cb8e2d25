import CloudControl
import CloudCore
import Hummingbird

/// Decides who asks, and whether he asks too often, before anything else is done for a request.
struct Admission: Sendable {
    let cloud: Cloud
    /// `nil` where no limit is set.
    private let limiter: RateLimiter?

    init(_ cloud: Cloud) {
        self.cloud = cloud
        limiter = RateLimiter(keyLimit: cloud.settings.rateLimit, clock: cloud.clock)
    }

    struct Decision: Sendable {
        /// The caller, `nil` where none is needed; or why the request is refused.
        var caller: Result<Caller?, any Error>
        /// What the answer tells of the limit; `nil` where none is set.
        var rate: RateVerdict?
    }

    /// - Parameter route: `nil` when no endpoint serves the request.
    ///
    /// A request with a valid key counts for the key, every other for its peer. Whoever guesses keys uses up his peer's
    /// requests, and never those of the keys that others use from the same address.
    func decide(_ request: Request, _ route: Route?, peer: Peer) async -> Decision {
        var decision = await count(request, route, peer)
        if let rate = decision.rate, !rate.isAllowed { decision.caller = .failure(rate.refusal) }
        return decision
    }

    private func count(_ request: Request, _ route: Route?, _ peer: Peer) async -> Decision {
        guard let route, !route.isPublic else {
            return Decision(caller: .success(nil), rate: limiter?.take(peer))
        }
        do {
            let caller = try await Authenticate(authorization: request.headers[.authorization]).run(in: cloud)
            return Decision(caller: .success(caller), rate: limiter?.take(keyId: caller.keyId))
        } catch {
            return Decision(caller: .failure(error), rate: limiter?.take(peer))
        }
    }
}

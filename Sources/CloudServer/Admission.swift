import CloudControl
import CloudCore
import Hummingbird

/// Decides who asks, and whether he asks too often, before anything else is done for a request.
struct Admission: Sendable {
    let cloud: Cloud
    /// Refuses teams' keys, where guests alone are served.
    let guestsOnly: Bool
    private let limiter: RateLimiter

    init(_ cloud: Cloud, guestsOnly: Bool = false) {
        self.cloud = cloud
        self.guestsOnly = guestsOnly
        limiter = RateLimiter(
            keyLimit: cloud.settings.rateLimit, teamLimit: cloud.settings.teamRateLimit,
            peerLimit: cloud.settings.peerRateLimit, clock: cloud.clock)
    }

    struct Decision: Sendable {
        /// Who asks, `nil` where nobody needs to say; or why the request is refused.
        var identity: Result<Authenticate.Identity?, any Error>
        /// What the answer tells of the limit; `nil` where none is set.
        var rate: RateVerdict?
    }

    /// - Parameter access: that of the endpoint.
    ///
    /// A request with a valid key counts for the key and its team, a guest's for its compute and the team's guests, every
    /// other for its peer. Whoever guesses keys uses up his peer's
    /// requests, and never those of the keys that others use from the same address.
    func decide(_ request: Request, _ access: RouteAccess, peer: Peer) async -> Decision {
        var decision = await count(request, access, peer)
        if let rate = decision.rate, !rate.isAllowed { decision.identity = .failure(rate.refusal) }
        return decision
    }

    private func count(_ request: Request, _ access: RouteAccess, _ peer: Peer) async -> Decision {
        switch access {
        case .anyone: return Decision(identity: .success(nil), rate: limiter.take(peer))
        // `MetadataRules` counts it.
        case .guestAddress: return Decision(identity: .success(nil), rate: nil)
        case .key: return await countKey(request, peer)
        }
    }

    private func countKey(_ request: Request, _ peer: Peer) async -> Decision {
        do {
            let authorization = request.headers.value(of: .authorization)
            let identity = try await Authenticate(authorization: authorization).identify(in: cloud)
            switch identity {
            case .caller where guestsOnly:
                throw CloudError(
                    .forbidden,
                    "API keys are not taken here, only tokens from \(MetadataServer.basePath)/auth-token.")
            case .caller(let caller):
                return Decision(
                    identity: .success(identity),
                    rate: limiter.take(.key(caller.keyId), of: .keys(teamId: caller.teamId)))
            case .guest(let guest):
                return Decision(
                    identity: .success(identity),
                    rate: limiter.take(.guest(guest.computeId), of: .guests(teamId: guest.teamId)))
            }
        } catch {
            return Decision(identity: .failure(error), rate: limiter.take(peer))
        }
    }
}

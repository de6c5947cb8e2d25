import CloudCore
import CloudDatabase

/// A compute's guest that calls the API with a token of its own. No `Caller`: no verb that changes anything, or that
/// shows another compute, can be run for it.
public struct Guest: Sendable, Equatable {
    public var computeId: Int64
    public var teamId: Int64

    public init(computeId: Int64, teamId: Int64) {
        self.computeId = computeId
        self.teamId = teamId
    }
}

/// What the metadata service tells a guest of its compute. The guest is known by its private address, which is unique
/// in the cell and which the network lets nobody else send from.
public struct GetGuestMetadata: Sendable {
    public var address: IPv4Address

    public init(address: IPv4Address) { self.address = address }

    /// Throws `RESOURCE_NOT_FOUND` when no compute holds the address.
    public func run(in cloud: Cloud) async throws -> Compute {
        try await cloud.database.glance { sql in try Self.find(address, sql) }
    }

    static func find(_ address: IPv4Address, _ sql: any SQLConnection) throws -> Compute {
        if let compute = try sql.computes.get(privateIpv4: address), compute.state != .destroyed {
            return compute
        }
        throw CloudError(
            .resourceNotFound, "No compute has the address \(address). Ask from inside of a compute.")
    }
}

/// A token by which the guest at an address calls the API, for a while, and for its own compute alone.
public struct CreateGuestToken: Sendable {
    public var address: IPv4Address
    /// The compute that the guest takes itself for.
    public var resourceId: Int64

    /// How long a token lives.
    public static let lifetimeMs: Int64 = 3_600_000
    /// Live tokens of one compute; a newer one ends the oldest.
    public static let maxLive = 16
    /// Expired tokens, whosever they were, that are forgotten when a new one is made: more than are made, so that
    /// they never pile up.
    static let maxForgotten = 100

    public init(address: IPv4Address, resourceId: Int64) {
        self.address = address
        self.resourceId = resourceId
    }

    /// The token, which can't be had again: only its hash is stored. Throws `RESOURCE_NOT_FOUND` when no compute holds
    /// the address, `FORBIDDEN` for the id of another compute, and `CONFLICT` when the compute is FAILED.
    public func run(in cloud: Cloud) async throws -> String {
        let token = APIKey.makeGuestToken(cloud.randomBytes)
        let hash = APIKey.hash(token)
        let now = cloud.clock.nowMs
        try await cloud.database.write(.issueGuestToken) { sql in
            try check(try GetGuestMetadata.find(address, sql))
            try sql.guestTokens.removeExpired(nowMs: now, limit: Self.maxForgotten)
            try sql.guestTokens.insert(
                computeId: resourceId, hash: hash, expiresAtMs: now + Self.lifetimeMs)
            try sql.guestTokens.keepNewest(Self.maxLive, computeId: resourceId)
        }
        return token
    }

    private func check(_ compute: Compute) throws(CloudError) {
        guard compute.id == resourceId else {
            throw CloudError(
                .forbidden,
                "This compute is not \(resourceId). Send its own id, which is at /metadata/v1/id.")
        }
        guard compute.state != .failed else {
            throw CloudError(.conflict, "The compute is FAILED, and gets no token. Create another.")
        }
    }
}

import CloudCore

/// The part of a host that guests reach each other and the world through. `BridgedNetwork` and `UserNetwork` conform.
public protocol HostNetwork: Sendable {
    var mode: NetworkMode { get }

    /// Makes the host's network what the plan says, whole: what is missing is made, what is ours and not in the plan
    /// goes. Can be repeated after a crash at any point. Calls must not overlap.
    func apply(_ plan: NetworkPlan) async throws
}

/// QEMU's user-mode network: each QEMU brings its own, so the host has nothing to prepare.
public struct UserNetwork: HostNetwork {
    public var mode: NetworkMode { .user }

    public init() {}

    public func apply(_ plan: NetworkPlan) async throws {}
}

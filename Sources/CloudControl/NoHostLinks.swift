import CloudCore

/// No way to any host: what a program has that has none of its own, and knows no other.
public struct NoHostLinks: HostLinks {
    public init() {}

    public func desk(of hostId: Int64) async throws -> any HostDesk {
        throw CloudError(
            .serviceUnavailable,
            "This server has no way to host \(hostId), where the image is kept. Ask the operator, or send the request to the "
                + "server of that host.")
    }
}

import CloudCore

/// What an operator decides about images of teams' own.
public struct TeamImageSettings: Sendable {
    /// Bytes of the largest file that is uploaded or fetched from a server, before and after it is converted, and the bounds of
    /// fetching it.
    public var limits = ImageLimits()
    /// Blocks of addresses that images may be fetched from although they are not public.
    public var allowedBlocks: [IPv4Network] = []
    /// How addresses are checked; another in tests.
    var policy: AddressPolicy { AddressPolicy(allowed: allowedBlocks) }

    public init() {}

    /// - Parameter maxImageGb: GiB of the largest file.
    public init(maxImageGb: Int, allowedBlocks: [IPv4Network]) {
        limits.maxImageBytes = Int64(maxImageGb) << 30
        self.allowedBlocks = allowedBlocks
    }
}

/// What is on a host of one machine.
public struct MachineParts: Sendable, Equatable {
    /// One that is alive, whatever its guest does.
    public var hasProcess: Bool
    public var hasDisk: Bool
    public var hasSeed: Bool
    /// Whether its process has lost its place in the network: the interface that it opened is gone, and another of the
    /// same name is of no use to it.
    public var isCutOff: Bool

    public init(
        hasProcess: Bool = false, hasDisk: Bool = false, hasSeed: Bool = false, isCutOff: Bool = false
    ) {
        self.hasProcess = hasProcess
        self.hasDisk = hasDisk
        self.hasSeed = hasSeed
        self.isCutOff = isCutOff
    }
}
